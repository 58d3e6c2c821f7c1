#define PCRE2_CODE_UNIT_WIDTH 8
#include "detail/regex.h"

#include <pcre2.h>

#include <new>
#include <utility>

#include "detail/fail.h"

namespace spikesink::detail {
namespace {

constexpr uint32_t kOptions = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NO_UTF_CHECK |
                              PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_CAPTURE;
constexpr size_t kJitStackStart = 32 << 10;
constexpr size_t kJitStackLimit = 8 << 20;

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
template <typename T, auto Free>
using Handle = std::unique_ptr<T, Deleter<Free>>;

using CompileContext = Handle<pcre2_compile_context, pcre2_compile_context_free>;
using MatchContext = Handle<pcre2_match_context, pcre2_match_context_free>;
using MatchData = Handle<pcre2_match_data, pcre2_match_data_free>;
using JitStack = Handle<pcre2_jit_stack, pcre2_jit_stack_free>;

template <typename T>
T* allocated(T* object) {
  if (object == nullptr) throw std::bad_alloc();
  return object;
}

/// PCRE2 buffers of one thread. All patterns share them, because only the bounds of the whole match
/// are read (one pair).
struct Workspace {
  MatchContext context{allocated(pcre2_match_context_create(nullptr))};
  MatchData data{allocated(pcre2_match_data_create(1, nullptr))};
  JitStack stack{pcre2_jit_stack_create(kJitStackStart, kJitStackLimit, nullptr)};

  Workspace() {
    if (stack) pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
  }
};

std::string message_of(int error) {
  PCRE2_UCHAR text[256] = {};
  pcre2_get_error_message(error, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

}  // namespace

void Regex::FreeCode::operator()(pcre2_real_code_8* code) const {
  pcre2_code_free(code);
}

Regex::Regex(std::string pattern, std::string_view where) : pattern_(std::move(pattern)) {
  const CompileContext context(allocated(pcre2_compile_context_create(nullptr)));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern_.data()), pattern_.size(),
                            kOptions, &error, &offset, context.get()));
  if (!code_) {
    fail_format("[load_tokenizer] a pattern does not compile: {} at byte {} of '{}' ({})",
                message_of(error), offset, pattern_, where);
  }
  // If the platform has no JIT, PCRE2 interprets the pattern with the same results.
  pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE);
}

std::optional<Regex::Match> Regex::find(std::string_view text, size_t from) const {
  thread_local Workspace workspace;
  const int result =
      pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                  PCRE2_NO_UTF_CHECK, workspace.data.get(), workspace.context.get());
  if (result == PCRE2_ERROR_NOMATCH) return std::nullopt;
  if (result < 0) {
    fail_format("[Tokenizer] a pattern cannot be searched for: {} ('{}')", message_of(result),
                pattern_);
  }
  const PCRE2_SIZE* pair = pcre2_get_ovector_pointer(workspace.data.get());
  return Match{pair[0], pair[1]};
}

}  // namespace spikesink::detail
