// A project that uses the library: prints the layers of a model.
#include <spikesink/spikesink.h>

#include <iostream>

int main(int, char** argv) {
  std::cout << spikesink::load_model(argv[1])->config().n_layers << "\n";
}
