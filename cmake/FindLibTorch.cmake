# Finds LibTorch in the PyPI wheel `torch` or in an official archive: both have include/ and lib/. Its CUDA libraries are the
# component CUDA, which also needs the headers of the CUDA toolkit and NCCL, from NVIDIA's wheels or an installed toolkit.
#
# The wheel's own TorchConfig.cmake requires a matching CUDA toolkit even for programs that do not use a GPU, so this
# module defines the imported target from the files directly. Searched, in this order: LibTorch_ROOT, Torch_DIR,
# CMAKE_PREFIX_PATH, and the wheel that scripts/setup installs into .deps.
#
# Targets: LibTorch::LibTorch, LibTorch::CUDA. Variables: LibTorch_FOUND, LibTorch_VERSION.

set(_hints ${LibTorch_ROOT} $ENV{LibTorch_ROOT})
foreach(_dir ${Torch_DIR} $ENV{Torch_DIR})
  list(APPEND _hints ${_dir} ${_dir}/../../..)  # Torch_DIR is <root>/share/cmake/Torch
endforeach()
foreach(_dir ${CMAKE_PREFIX_PATH} $ENV{CMAKE_PREFIX_PATH})
  list(APPEND _hints ${_dir} ${_dir}/torch ${_dir}/../..)  # torch.utils.cmake_prefix_path is <root>/share/cmake
endforeach()
list(APPEND _hints ${CMAKE_CURRENT_LIST_DIR}/../.deps/python/torch)

find_path(LibTorch_INCLUDE_DIR ATen/ATen.h HINTS ${_hints} PATH_SUFFIXES include NO_DEFAULT_PATH)
get_filename_component(_root "${LibTorch_INCLUDE_DIR}/.." ABSOLUTE)
find_library(LibTorch_CPU_LIBRARY torch_cpu HINTS ${_root}/lib NO_DEFAULT_PATH)
find_library(LibTorch_C10_LIBRARY c10 HINTS ${_root}/lib NO_DEFAULT_PATH)

set(_api ${LibTorch_INCLUDE_DIR}/torch/csrc/api/include)
if(EXISTS ${_api}/torch/version.h)
  foreach(_file ${_api}/torch/version.h ${LibTorch_INCLUDE_DIR}/torch/headeronly/version.h)
    if(EXISTS ${_file} AND NOT LibTorch_VERSION)
      file(STRINGS ${_file} _lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) [0-9]+")
      string(REGEX REPLACE "[^;0-9]*([0-9]+)" "\\1" _numbers "${_lines}")
      string(REPLACE ";" "." LibTorch_VERSION "${_numbers}")
    endif()
  endforeach()
endif()

find_library(LibTorch_CUDA_LIBRARY torch_cuda HINTS ${_root}/lib NO_DEFAULT_PATH)
find_library(LibTorch_C10_CUDA_LIBRARY c10_cuda HINTS ${_root}/lib NO_DEFAULT_PATH)
file(GLOB _wheels ${_root}/../nvidia/*/include)
find_path(LibTorch_TOOLKIT_INCLUDE_DIR cuda_runtime_api.h HINTS ${_wheels} ENV CUDA_HOME PATHS /usr/local/cuda PATH_SUFFIXES include)
find_path(LibTorch_NCCL_INCLUDE_DIR nccl.h HINTS ${_wheels} ${LibTorch_TOOLKIT_INCLUDE_DIR})
if(LibTorch_CUDA_LIBRARY AND LibTorch_C10_CUDA_LIBRARY AND LibTorch_TOOLKIT_INCLUDE_DIR AND LibTorch_NCCL_INCLUDE_DIR)
  set(LibTorch_CUDA_FOUND TRUE)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY LibTorch_INCLUDE_DIR
  VERSION_VAR LibTorch_VERSION
  HANDLE_COMPONENTS
  REASON_FAILURE_MESSAGE "Run scripts/setup, or name a LibTorch with -DCMAKE_PREFIX_PATH=/path/to/torch.")

if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
  add_library(LibTorch::C10 SHARED IMPORTED)
  set_target_properties(LibTorch::C10 PROPERTIES IMPORTED_LOCATION ${LibTorch_C10_LIBRARY})
  add_library(LibTorch::LibTorch SHARED IMPORTED)
  set_target_properties(LibTorch::LibTorch PROPERTIES
    IMPORTED_LOCATION ${LibTorch_CPU_LIBRARY}
    # Searched last: the wheel contains its own fmt headers, which must not shadow the system's fmt.
    INTERFACE_COMPILE_OPTIONS "SHELL:-idirafter ${LibTorch_INCLUDE_DIR};SHELL:-idirafter ${_api}"
    INTERFACE_COMPILE_FEATURES cxx_std_20
    INTERFACE_LINK_LIBRARIES LibTorch::C10)
endif()
if(LibTorch_FOUND AND LibTorch_CUDA_FOUND AND NOT TARGET LibTorch::CUDA)
  add_library(LibTorch::CUDA INTERFACE IMPORTED)
  set_target_properties(LibTorch::CUDA PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${_wheels};${LibTorch_TOOLKIT_INCLUDE_DIR};${LibTorch_NCCL_INCLUDE_DIR}"
    # No symbol of it is referenced: it registers its kernels when it is loaded.
    INTERFACE_LINK_LIBRARIES "LibTorch::LibTorch;-Wl,--push-state,--no-as-needed,${LibTorch_CUDA_LIBRARY},${LibTorch_C10_CUDA_LIBRARY},--pop-state")
endif()
mark_as_advanced(LibTorch_INCLUDE_DIR LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY LibTorch_CUDA_LIBRARY LibTorch_C10_CUDA_LIBRARY
  LibTorch_TOOLKIT_INCLUDE_DIR LibTorch_NCCL_INCLUDE_DIR)
