#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "spikesink/report/report.h"
#include "spikesink/text/tokenizer.h"

// Each file of sections/ writes one kind of result into report.json: it defines `add_section` for
// the result type and instantiates `Report::add`. docs/report.md describes the fields.

namespace spikesink::detail {

struct ReportDocument {
  nlohmann::ordered_json json;
  std::shared_ptr<const Tokenizer> tokenizer;  // for the text of token ids; may be null
};

}  // namespace spikesink::detail

namespace spikesink {

template <typename Result>
void Report::add(const Result& result) {
  add_section(result, *document_);
}

}  // namespace spikesink
