# Finds plotly.min.js, which is embedded in reports. It is a file of the PyPI wheel `plotly`;
# scripts/setup installs that wheel into .deps. Variable: PLOTLY_JS.

find_file(PLOTLY_JS plotly.min.js
  HINTS ${CMAKE_CURRENT_LIST_DIR}/../.deps/python ${CMAKE_PREFIX_PATH} $ENV{CMAKE_PREFIX_PATH}
  PATH_SUFFIXES plotly/package_data package_data share/javascript)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(PlotlyJs REQUIRED_VARS PLOTLY_JS
  REASON_FAILURE_MESSAGE "Run scripts/setup, or name the file with -DPLOTLY_JS=/path/to/plotly.min.js.")
