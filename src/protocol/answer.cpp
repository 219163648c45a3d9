#include "protocol/answer.hpp"

#include <algorithm>

namespace mesos::protocol {
namespace {

constexpr std::size_t kTextBytesMax = 1024;

}  // namespace

void Answer::append(std::string_view bytes) {
  text_.append(bytes.substr(0, kTextBytesMax - text_.size()));
}

std::string Answer::describe() const {
  std::string line = std::to_string(head_.status) + " " + std::string(reasonOf(head_.status));
  std::string_view text = text_;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  if (text.empty()) return line;
  line += ": ";
  const auto isControl = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  std::replace_copy_if(text.begin(), text.end(), std::back_inserter(line), isControl, ' ');
  return line;
}

}  // namespace mesos::protocol
