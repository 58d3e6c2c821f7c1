// render_page REPORT.json OUT.html: writes the page of a report, for page_test.py.
#include <fstream>
#include <iterator>

#include "spikesink/report/html_page.h"

int main(int, char** argv) {
  std::ifstream json(argv[1]);
  std::ofstream(argv[2]) << spikesink::html_page(
      std::string{std::istreambuf_iterator<char>(json), {}});
}
