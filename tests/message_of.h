#pragma once

#include <gtest/gtest.h>

#include <string>

/// The message of the `Error` that `call` throws; a failure of the test when it throws none.
template <typename Error, typename Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

/// Whether `text` contains `fragment`; shows the text where it does not.
inline testing::AssertionResult contains(const std::string& text, const std::string& fragment) {
  if (text.find(fragment) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << fragment << "' is not in: " << text;
}
