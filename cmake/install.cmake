# The two targets users link, and the package `find_package(mesos-cpp CONFIG)` finds.
#   mesos::sdk     schedulers and executors
#   mesos::local   the cluster in one process (and the SDK)
include(CMakePackageConfigHelpers)

add_library(mesos_sdk INTERFACE)
target_link_libraries(mesos_sdk INTERFACE mesos_driver)
set_target_properties(mesos_sdk PROPERTIES EXPORT_NAME sdk)
add_library(mesos::sdk ALIAS mesos_sdk)

add_library(mesos_local_cluster INTERFACE)
target_link_libraries(mesos_local_cluster INTERFACE mesos_local mesos_sdk)
set_target_properties(mesos_local_cluster PROPERTIES EXPORT_NAME local)
add_library(mesos::local ALIAS mesos_local_cluster)

if(MESOS_PROTO_BUILD)
  return() # An instrumented build is for its own tests only.
endif()

install(TARGETS mesos_sdk mesos_local_cluster mesos_driver mesos_local mesos_cluster mesos_transport
  mesos_protocol mesos_resources mesos_base mesos_proto EXPORT mesos-cpp-targets)
install(DIRECTORY include/mesos DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/mesos-cpp)
install(DIRECTORY ${CMAKE_BINARY_DIR}/proto/generated/mesos
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/mesos-cpp FILES_MATCHING PATTERN "*.pb.h")
install(DIRECTORY proto/mesos DESTINATION ${CMAKE_INSTALL_DATADIR}/mesos-cpp/proto
  FILES_MATCHING PATTERN "*.proto")
install(PROGRAMS ${CMAKE_BINARY_DIR}/bin/scheduler ${CMAKE_BINARY_DIR}/bin/executor
  ${CMAKE_BINARY_DIR}/bin/executor-tls
  ${CMAKE_BINARY_DIR}/bin/local-cluster DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/mesos-cpp)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/mesos-cpp)
install(EXPORT mesos-cpp-targets NAMESPACE mesos:: DESTINATION ${package_dir})
configure_package_config_file(cmake/mesos-cpp-config.cmake.in
  ${CMAKE_BINARY_DIR}/mesos-cpp-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/mesos-cpp-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/mesos-cpp-config.cmake
  ${CMAKE_BINARY_DIR}/mesos-cpp-config-version.cmake DESTINATION ${package_dir})
