#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "spikesink/report/report.h"
#include "spikesink/text/tokenizer.h"

// How a file of sections/ puts a result into report.json: it defines `add_section` for the result
// and instantiates `Report::add` of it. docs/report.md says what the fields mean.

namespace spikesink::detail {

struct ReportDocument {
  nlohmann::ordered_json json;
  std::shared_ptr<const Tokenizer> tokenizer;  // for the texts of token ids, or null
};

}  // namespace spikesink::detail

namespace spikesink {

template <typename Result>
void Report::add(const Result& result) {
  add_section(result, *document_);
}

}  // namespace spikesink
