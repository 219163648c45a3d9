// A small HTTP server for what the fetcher of an agent is given to fetch.
#pragma once

#include "protocol/http.hpp"

#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace mesos::conformance {

/// Serves whole answers by their path, one connection after the other, on a free port of the
/// address by which this machine reaches a peer.
class FileServer {
 public:
  struct Answer {
    int status = 200;
    std::string body;
    std::string location = "";  ///< Of a redirect.
  };

  FileServer(const protocol::Address& peer, std::map<std::string, Answer> answers);
  ~FileServer();
  FileServer(const FileServer&) = delete;
  FileServer& operator=(const FileServer&) = delete;

  /// The URL of a path that begins with '/'.
  std::string url(const std::string& path) const { return base_ + path; }
  /// The request lines so far, "GET /x".
  std::vector<std::string> requests() const;

 private:
  void serve();
  void answer(int connection);

  std::map<std::string, Answer> answers_;
  int listener_ = -1;
  int wake_[2] = {-1, -1};
  std::string base_;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace mesos::conformance
