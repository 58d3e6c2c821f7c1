// Fuzzes the configuration of a training run. A configuration that is read, written and read again
// must not change.

#include "spikesink/train/train_config.h"
#include "target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::expect_format_error_at_worst([&] {
    const auto config =
        spikesink::read_train_config(std::string(fuzz::text_of(data, size)), "train.json");
    try {
      config.validate();
    } catch (const std::invalid_argument&) {  // valid JSON with an invalid value
    }
    const auto json = spikesink::to_json(config);
    fuzz::require(spikesink::to_json(spikesink::read_train_config(json, "again")) == json,
                  "another configuration when read again");
  });
  return 0;
}
