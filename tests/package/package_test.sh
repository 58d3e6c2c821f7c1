#!/usr/bin/env bash
# Other projects use the library both ways that CMake knows: installed, and as a subdirectory, there as a shared library. The
# subdirectory is configured and its consumer compiled; with SPIKESINK_BUILD_SUBDIRECTORY=1 (scripts/package) the library is built
# there, too, which takes minutes.
#     package_test.sh SOURCE_DIR BUILD_DIR MODEL [CMAKE_OPTION...]
set -euo pipefail
source_dir=$1 build_dir=$2 model=$3 options=("${@:4}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build_dir" --prefix "$work/prefix" >/dev/null
cmake -S "$source_dir/tests/package/find_package" -B "$work/installed" -DCMAKE_PREFIX_PATH="$work/prefix" "${options[@]}"
cmake --build "$work/installed"
[ "$("$work/installed/consumer" "$model")" = 2 ]

"$work/prefix/bin/spikesink-anatomy" --help >/dev/null

cmake -S "$source_dir/tests/package/add_subdirectory" -B "$work/subdirectory" -DSPIKESINK_SOURCE_DIR="$source_dir" -DBUILD_SHARED_LIBS=ON \
  -DCMAKE_BUILD_TYPE=Release -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=16 "${options[@]}"
if cmake --build "$work/subdirectory" --target help | grep -E 'weights_test|anatomy|analysis_overhead'; then
  echo "package: a subdirectory has targets of programs and tests, expected the library alone" >&2
  exit 1
fi
[ -n "${SPIKESINK_BUILD_SUBDIRECTORY:-}" ] || {
  object=$(ninja -C "$work/subdirectory" -t targets all | sed -n 's/^\(CMakeFiles\/consumer.dir\/.*\.o\):.*/\1/p')
  cmake --build "$work/subdirectory" --target "$object"
  exit 0
}
cmake --build "$work/subdirectory" --parallel 2
[ "$("$work/subdirectory/consumer" "$model")" = 2 ]
# A release that changes the interface is another library to the loader.
version=$(sed -nE 's/.*SPIKESINK_VERSION "([0-9]+\.[0-9]+)\..*/\1/p' "$source_dir/include/spikesink/version.h")
readelf --dynamic "$work/subdirectory/consumer" | grep -qF "[libspikesink.so.$version]"
