# Install rules of the library: headers, archive and a package that `find_package(spikesink)` finds. The rules of programs
# are next to their targets.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/spikesink)

install(TARGETS spikesink EXPORT spikesinkTargets FILE_SET HEADERS)
install(EXPORT spikesinkTargets NAMESPACE spikesink:: DESTINATION ${package_dir})
install(FILES cmake/FindLibTorch.cmake cmake/FindPCRE2.cmake DESTINATION ${package_dir})

configure_package_config_file(cmake/spikesinkConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/spikesinkConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/spikesinkConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/spikesinkConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/spikesinkConfigVersion.cmake
  DESTINATION ${package_dir})
