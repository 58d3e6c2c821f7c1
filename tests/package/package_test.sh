#!/usr/bin/env bash
# Other projects use the library both ways that CMake knows: installed, and as a subdirectory (configured only: building it once is enough).
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

cmake -S "$source_dir/tests/package/add_subdirectory" -B "$work/subdirectory" -DSPIKESINK_SOURCE_DIR="$source_dir" "${options[@]}"
! cmake --build "$work/subdirectory" --target help | grep -qE 'weights_test|anatomy|analysis_overhead'
