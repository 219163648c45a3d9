#include "local/files.hpp"

#include "cluster/operator_call.hpp"
#include "local/descriptor.hpp"
#include "protocol/json.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <map>
#include <memory>
#include <vector>

namespace mesos::local {
namespace {

using cluster::ServeFile;
using protocol::Response;

constexpr std::int64_t kReadBytesMax = 16 * 4096;                    // Fact W61.
constexpr std::int64_t kDownloadBytesMax = std::int64_t{256} << 20;  // Answers are made in memory.
constexpr std::size_t kEntryBytes = 64 * 1024;

Response text(int status, std::string body) {
  return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(body)};
}

Response json(const ServeFile& order, std::string body) {
  if (order.jsonp.empty()) return {200, {{"Content-Type", "application/json"}}, std::move(body)};
  return {200, {{"Content-Type", "text/javascript"}}, order.jsonp + "(" + body + ")"};
}

Response notFound(const ServeFile& order) {
  return text(404, order.kind == ServeFile::Kind::Download ? "404 Not Found." : "");
}

bool isWithin(const std::string& path, const std::string& root) {
  return path == root || (path.size() > root.size() && path.compare(0, root.size(), root) == 0 &&
                          (path[root.size()] == '/' || root == "/"));
}

std::string pathOf(int fd) {
  char path[PATH_MAX];
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t size = ::readlink(link.c_str(), path, sizeof(path));
  return size > 0 ? std::string(path, static_cast<std::size_t>(size)) : "";
}

// Where the root really is; empty if it is not there.
std::string realRoot(const ServeFile& order) {
  const Descriptor root(::open(order.root.c_str(), O_PATH | O_CLOEXEC));
  return root ? pathOf(root.get()) : "";
}

// Opened first and judged after: a path judged before could be swapped by then.
Descriptor openWithin(const ServeFile& order) {
  const std::string root = realRoot(order);
  Descriptor file(::open(order.path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (root.empty() || !file || !isWithin(pathOf(file.get()), root)) return {};
  return file;
}

std::string modeText(mode_t mode) {
  std::string text = "-rwxrwxrwx";
  if (S_ISDIR(mode)) text[0] = 'd';
  if (S_ISLNK(mode)) text[0] = 'l';
  if (S_ISFIFO(mode)) text[0] = 'p';
  if (S_ISSOCK(mode)) text[0] = 's';
  for (std::size_t i = 0; i < 9; ++i) {
    if (!(mode & (0400U >> i))) text[i + 1] = '-';
  }
  if (mode & S_ISUID) text[3] = mode & S_IXUSR ? 's' : 'S';
  if (mode & S_ISGID) text[6] = mode & S_IXGRP ? 's' : 'S';
  if (mode & S_ISVTX) text[9] = mode & S_IXOTH ? 't' : 'T';
  return text;
}

// Names of owners, each looked up once an answer.
class Owners {
 public:
  const std::string& user(uid_t uid) {
    auto& name = users_[uid];
    if (name.empty()) {
      passwd entry{};
      passwd* found = nullptr;
      ::getpwuid_r(uid, &entry, buffer_.data(), buffer_.size(), &found);
      name = found ? found->pw_name : std::to_string(uid);
    }
    return name;
  }
  const std::string& group(gid_t gid) {
    auto& name = groups_[gid];
    if (name.empty()) {
      ::group entry{};
      ::group* found = nullptr;
      ::getgrgid_r(gid, &entry, buffer_.data(), buffer_.size(), &found);
      name = found ? found->gr_name : std::to_string(gid);
    }
    return name;
  }

 private:
  std::vector<char> buffer_ = std::vector<char>(kEntryBytes);
  std::map<uid_t, std::string> users_;
  std::map<gid_t, std::string> groups_;
};

// What a link leads to, or the link itself if that lies outside of the root or nowhere.
bool statEntry(int directory, const char* name, const std::string& root, struct stat* status) {
  if (::fstatat(directory, name, status, AT_SYMLINK_NOFOLLOW) != 0) return false;
  if (!S_ISLNK(status->st_mode)) return true;
  const Descriptor target(::openat(directory, name, O_PATH | O_CLOEXEC));
  struct stat followed {};
  if (target && isWithin(pathOf(target.get()), root) && ::fstat(target.get(), &followed) == 0) {
    *status = followed;
  }
  return true;
}

std::vector<std::string> namesIn(int directory) {
  std::vector<std::string> names;
  const OpenDirectory entries(::fdopendir(::fcntl(directory, F_DUPFD_CLOEXEC, 0)));
  if (!entries) return names;
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

// What the request called order.path.
std::string requestedPath(const ServeFile& order) {
  std::string path = order.virtualRoot;
  if (isWithin(order.path, order.root)) path += order.path.substr(order.root.size());
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

v1::FileInfo fileInfo(const std::string& path, const struct stat& status, Owners* owners) {
  v1::FileInfo info;
  info.set_path(path);
  info.set_nlink(static_cast<std::int32_t>(status.st_nlink));
  info.set_size(static_cast<std::uint64_t>(status.st_size));
  info.mutable_mtime()->set_nanoseconds(std::int64_t{status.st_mtime} * 1'000'000'000);
  info.set_mode(status.st_mode);
  info.set_uid(owners->user(status.st_uid));
  info.set_gid(owners->group(status.st_gid));
  return info;
}

v1::master::Response::ListFiles listFiles(const ServeFile& order, int directory) {
  const std::string root = realRoot(order);
  const std::string prefix = requestedPath(order) + "/";
  Owners owners;
  v1::master::Response::ListFiles list;
  for (const std::string& name : namesIn(directory)) {
    struct stat status {};
    if (!statEntry(directory, name.c_str(), root, &status)) continue;
    *list.add_file_infos() = fileInfo(prefix + name, status, &owners);
  }
  return list;
}

// Fact W60: the same in alphabetical order, the mode as text, seconds.
std::string browseJson(const v1::master::Response::ListFiles& list) {
  protocol::JsonWriter writer;
  writer.beginArray();
  for (const v1::FileInfo& info : list.file_infos()) {
    writer.beginObject();
    writer.key("gid").string(info.gid());
    writer.key("mode").string(modeText(info.mode()));
    writer.key("mtime").number(static_cast<double>(info.mtime().nanoseconds()) / 1e9);
    writer.key("nlink").integer(info.nlink());
    writer.key("path").string(info.path());
    writer.key("size").integer(static_cast<std::int64_t>(info.size()));
    writer.key("uid").string(info.uid());
    writer.endObject();
  }
  writer.endArray();
  return writer.take();
}

// A file has nothing in it to list.
Response browse(const ServeFile& order, const Descriptor& file, bool isDirectory) {
  v1::master::Response::ListFiles list;
  if (isDirectory) list = listFiles(order, file.get());
  if (!order.operatorType) return json(order, browseJson(list));
  v1::master::Response response;
  response.set_type(v1::master::Response::LIST_FILES);
  *response.mutable_list_files() = std::move(list);
  return cluster::operatorAnswer(response, *order.operatorType);
}

// Up to `size` bytes from `offset`.
std::string readBytes(int file, std::int64_t offset, std::int64_t size) {
  std::string data(static_cast<std::size_t>(size), '\0');
  std::size_t filled = 0;
  while (filled < data.size()) {
    const ssize_t count = ::pread(file, data.data() + filled, data.size() - filled,
                                  offset + static_cast<std::int64_t>(filled));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    filled += static_cast<std::size_t>(count);
  }
  data.resize(filled);
  return data;
}

Response read(const ServeFile& order, int file, std::int64_t size) {
  std::int64_t offset = order.offset.value_or(-1);
  const std::int64_t length = order.length.value_or(-1);
  if (offset < -1) {
    return text(400, "Negative offset provided: " + std::to_string(offset) + ".\n");
  }
  if (length < -1) {
    return text(400, "Negative length provided: " + std::to_string(length) + ".\n");
  }
  std::string data;
  if (offset == -1) {
    offset = size;
  } else if (offset < size) {
    const std::int64_t wanted = length == -1 ? size - offset : std::min(length, size - offset);
    data = readBytes(file, offset, std::min(wanted, kReadBytesMax));
  }
  if (order.operatorType) {
    v1::master::Response response;
    response.set_type(v1::master::Response::READ_FILE);
    response.mutable_read_file()->set_size(static_cast<std::uint64_t>(size));
    response.mutable_read_file()->set_data(std::move(data));
    return cluster::operatorAnswer(response, *order.operatorType);
  }
  protocol::JsonWriter writer;
  writer.beginObject();
  writer.key("data").string(data);
  writer.key("offset").integer(offset);
  writer.endObject();
  return json(order, writer.take());
}

std::string contentTypeOf(const std::string& name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kTypes{{
      {".html", "text/html"},
      {".htm", "text/html"},
      {".txt", "text/plain"},
      {".css", "text/css"},
      {".js", "text/javascript"},
      {".xml", "text/xml"},
      {".png", "image/png"},
      {".jpg", "image/jpeg"},
      {".gif", "image/gif"},
  }};
  const std::size_t dot = name.rfind('.');
  const std::string_view suffix = dot == name.npos ? "" : std::string_view(name).substr(dot);
  for (const auto& [known, type] : kTypes) {
    if (suffix == known) return std::string(type);
  }
  return "application/octet-stream";
}

Response download(int file, std::int64_t size) {
  if (size > kDownloadBytesMax) {
    return text(413, "The file is larger than 256 MB; read it in pieces with /files/read.\n");
  }
  const std::string path = pathOf(file);
  std::string name = path.substr(path.rfind('/') + 1);
  // A task chooses the names of its files, but not our headers.
  std::replace_if(
      name.begin(), name.end(),
      [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }, '_');
  return {200,
          {{"Content-Disposition", "attachment; filename=" + name},
           {"Content-Type", contentTypeOf(name)}},
          readBytes(file, 0, size)};
}

}  // namespace

Response serveFile(const ServeFile& order) {
  const Descriptor file = openWithin(order);
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return notFound(order);
  const bool isDirectory = S_ISDIR(status.st_mode);
  if (order.kind == ServeFile::Kind::Browse) {
    return browse(order, file, isDirectory);
  }
  const bool isDownload = order.kind == ServeFile::Kind::Download;
  if (isDirectory) {
    return text(400, isDownload ? "Cannot download a directory.\n" : "Cannot read a directory.\n");
  }
  if (!S_ISREG(status.st_mode)) return notFound(order);
  return isDownload ? download(file.get(), status.st_size)
                    : read(order, file.get(), status.st_size);
}

}  // namespace mesos::local
