#include "tests/support/authority.hpp"

#include "base/check.hpp"

#include <cstdlib>
#include <filesystem>

namespace mesos::support {
namespace {

/// A directory that goes with the process.
struct Directory {
  Directory() {
    std::string pattern = std::filesystem::temp_directory_path() / "authority-XXXXXX";
    MESOS_CHECK(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
    const std::string command = std::string(MESOS_MAKE_AUTHORITY) + " " + path;
    MESOS_CHECK(std::system(command.c_str()) == 0);
  }
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }

  std::string path;
};

}  // namespace

std::string authorityFile(const std::string& name) {
  static const Directory directory;
  return directory.path + "/" + name;
}

}  // namespace mesos::support
