# What every target of ours is compiled with, and the two words the folders use:
#   mesos_library(NAME SOURCES … LINK … [PRIVATE …])   a folder's library
#   mesos_test(NAME LABEL unit… SOURCES … LINK …)      a GoogleTest program, one ctest

add_library(mesos_options INTERFACE)
target_compile_options(mesos_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
  # The wire's deprecated fields (FrameworkInfo.role, Resource.role) are still spoken.
  -Wno-deprecated-declarations
  # GCC 12 sees overlaps in "a" + text that are not there.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
if(MESOS_SANITIZE)
  target_compile_options(mesos_options INTERFACE
    -fsanitize=${MESOS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(mesos_options INTERFACE -fsanitize=${MESOS_SANITIZE})
  if(MESOS_SANITIZE MATCHES thread)
    # Asio's fences are not modelled; GCC warns about them (an error with -Werror).
    target_compile_options(mesos_options INTERFACE -Wno-tsan
      -include ${PROJECT_SOURCE_DIR}/tests/sanitizers/protobuf_layout.hpp)
  endif()
endif()

if(MESOS_FUZZ)
  target_compile_options(mesos_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# Sources that share no translation unit with others where CMAKE_UNITY_BUILD joins them: what they
# hide in unnamed namespaces others do too, or have in a header's class.
function(mesos_compile_alone)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

function(mesos_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_include_directories(${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/mesos-cpp>)
  target_link_libraries(${name} PUBLIC ${arg_LINK} PRIVATE $<BUILD_INTERFACE:mesos_options>
    ${arg_PRIVATE})
  mesos_precompiled(${name} mesos_library_precompiled "${arg_LINK}")
endfunction()

# Lets `name`, which links `links`, start from the precompiled headers of `from`, if it can see the
# messages in them: halves what its files cost.
function(mesos_precompiled name from links)
  if(MESOS_PRECOMPILED AND links MATCHES "mesos_(proto|resources|protocol|cluster|driver|local|fleet)")
    target_precompile_headers(${name} REUSE_FROM ${from})
  endif()
endfunction()

# After the messages are known.
function(mesos_make_precompiled name)
  file(WRITE ${CMAKE_BINARY_DIR}/${name}.cpp "")
  add_library(${name} OBJECT ${CMAKE_BINARY_DIR}/${name}.cpp)
  target_link_libraries(${name} PRIVATE mesos_options mesos_proto)
  target_precompile_headers(${name} PRIVATE
    <mesos/v1/executor/executor.pb.h> <mesos/v1/scheduler/scheduler.pb.h>
    <algorithm> <chrono> <deque> <functional> <map> <memory> <optional> <set> <string> <variant>
    <vector> ${ARGN})
endfunction()

if(MESOS_TESTS)
  enable_testing()
  find_package(GTest REQUIRED)
endif()

# A program of tests: not optimised, since compiling it takes longer than running it.
function(mesos_test_program name)
  target_link_libraries(${name} PRIVATE mesos_options GTest::gtest)
  target_compile_options(${name} PRIVATE -O0)
endfunction()

function(mesos_test name)
  if(NOT MESOS_TESTS)
    return()
  endif()
  cmake_parse_arguments(arg "" "TIMEOUT" "LABEL;SOURCES;LINK" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINK} GTest::gtest_main)
  mesos_test_program(${name})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABEL}" TIMEOUT ${arg_TIMEOUT})
  if(MESOS_SANITIZE MATCHES thread)
    set_tests_properties(${name} PROPERTIES ENVIRONMENT
      TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/sanitizers/thread.supp)
  endif()
  mesos_precompiled(${name} mesos_test_precompiled "${arg_LINK}")
  foreach(group io threads)
    if(${group} IN_LIST arg_LABEL)
      add_dependencies(${group}_tests ${name})
    endif()
  endforeach()
endfunction()

# What the sanitizers' builds build: the tests of what does I/O, and of what has threads.
add_custom_target(io_tests)
add_custom_target(threads_tests)
