# Finds Gloo's headers; the code is in LibTorch. Target: Gloo::Gloo.

find_path(GLOO_INCLUDE_DIR gloo/context.h)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Gloo REQUIRED_VARS GLOO_INCLUDE_DIR)

if(Gloo_FOUND AND NOT TARGET Gloo::Gloo)
  add_library(Gloo::Gloo INTERFACE IMPORTED)
  set_target_properties(Gloo::Gloo PROPERTIES INTERFACE_INCLUDE_DIRECTORIES ${GLOO_INCLUDE_DIR})
endif()
mark_as_advanced(GLOO_INCLUDE_DIR)
