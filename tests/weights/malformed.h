#pragma once

#include <ostream>
#include <string>

/// A file that must be refused with a message that contains `fragment`.
struct Malformed {
  const char* name;
  std::string bytes;
  const char* fragment;
};

inline void PrintTo(const Malformed& file, std::ostream* stream) {
  *stream << file.name;
}
