# Options of every target of this project. Users of the library do not inherit them.

function(spikesink_configure target)
  # -fPIC everywhere, programs too, so that all share the library's precompiled header.
  set_target_properties(${target} PROPERTIES CXX_STANDARD 20 CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE OFF)
  # A shared library exports only what its public headers declare: their namespace has default visibility.
  set_target_properties(${target} PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  # Floating-point exceptions are not read here. Without this option, GCC does not vectorise a clamp, to preserve them.
  target_compile_options(${target} PRIVATE -fPIC -fno-trapping-math)
  # Installed programs find the library relative to their own folder, and LibTorch at its current path.
  set_target_properties(${target} PROPERTIES
    INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR};$<TARGET_FILE_DIR:LibTorch::LibTorch>")
  # Clang does not know GCC's ivdep.
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wno-missing-field-initializers
    $<$<CXX_COMPILER_ID:Clang>:-Wno-unknown-pragmas>)
  if(SPIKESINK_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(SPIKESINK_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${SPIKESINK_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_compile_definitions(${target} PRIVATE SPIKESINK_SANITIZED)
    target_link_options(${target} PUBLIC -fsanitize=${SPIKESINK_SANITIZE})
  endif()
endfunction()

# Makes the bytes of `file` available to C++ as `extern "C" const char <symbol>[]` and `<symbol>_end[]`.
function(spikesink_embed target symbol file)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/embed_${symbol}.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT [[
asm(
    ".section .rodata\n"
    ".global @symbol@\n.global @symbol@_end\n"
    ".hidden @symbol@\n.hidden @symbol@_end\n"
    "@symbol@:\n.incbin \"@file@\"\n"
    "@symbol@_end:\n.byte 0\n"
    ".previous\n");
]] @ONLY)
  set_source_files_properties(${source} PROPERTIES
    OBJECT_DEPENDS ${file} SKIP_UNITY_BUILD_INCLUSION ON SKIP_PRECOMPILE_HEADERS ON SKIP_LINTING ON)
  target_sources(${target} PRIVATE ${source})
endfunction()
