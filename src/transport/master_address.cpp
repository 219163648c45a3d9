#include "transport/master_address.hpp"

#include <fstream>
#include <utility>
#include <variant>

namespace mesos::transport {
namespace {

constexpr int kFilesMax = 4;
constexpr std::size_t kLineMax = 64 * 1024;

// The one line of the file (fact Z3).
Result<std::string> contentOf(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line) || line.size() > kLineMax) {
    return Error{"the file of \"file://" + path + "\" cannot be read, or is empty"};
  }
  const std::size_t last = line.find_last_not_of(" \t\r");
  return line.substr(0, last == line.npos ? 0 : last + 1);
}

}  // namespace

Result<protocol::MasterSpec> masterSpec(const std::string& text) {
  auto spec = protocol::parseMasterSpec(text);
  for (int files = 0; spec && std::holds_alternative<protocol::MasterFile>(*spec); ++files) {
    const std::string path = std::get<protocol::MasterFile>(*spec).path;
    if (files == kFilesMax) return Error{"\"" + text + "\" leads from file to file"};
    const auto content = contentOf(path);
    if (!content) return content.error();
    spec = protocol::parseMasterSpec(*content);
  }
  return spec;
}

}  // namespace mesos::transport
