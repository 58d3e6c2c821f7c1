# Finds esbuild, which bundles the modules of the report page. Variables: ESBUILD, Esbuild_VERSION.

find_program(ESBUILD esbuild)
if(ESBUILD)
  execute_process(COMMAND ${ESBUILD} --version OUTPUT_VARIABLE Esbuild_VERSION OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Esbuild REQUIRED_VARS ESBUILD VERSION_VAR Esbuild_VERSION
  REASON_FAILURE_MESSAGE "Run scripts/setup, or name the program with -DESBUILD=/path/to/esbuild.")
mark_as_advanced(ESBUILD)
