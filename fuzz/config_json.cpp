// Fuzzes config.json: read_model_config, and load_model with weights that rarely fit.

#include <torch/torch.h>

#include "spikesink/model/load_model.h"
#include "target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const fuzz::Folder folder;
  static const auto weights = folder.write(
      "model.safetensors",
      fuzz::as_safetensors(
          std::string(
              R"({"model.embed_tokens.weight":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}})") +
          '\0' + "12345678"));
  folder.write("config.json", fuzz::text_of(data, size));
  fuzz::expect_format_error_at_worst([&] { spikesink::read_model_config(folder.path()); });
  fuzz::expect_format_error_at_worst([&] { spikesink::load_model(folder.path()); });
  return 0;
}
