#include <utility>  // Asio 1.18 needs std::exchange and does not include it.

#include "transport/resolver.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <memory>

namespace mesos::transport {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

void resolve(EventLoop& loop, const std::string& host,
             std::function<void(Result<std::string>)> done) {
  error_code error;
  asio::ip::make_address(host, error);
  if (!error) return loop.post([host, done = std::move(done)] { done(host); });
  const auto resolver = std::make_shared<tcp::resolver>(loop.context());
  resolver->async_resolve(host, "",
                          [resolver, host, done = std::move(done)](
                              error_code failed, tcp::resolver::results_type found) {
                            if (failed || found.empty()) {
                              const std::string reason = failed ? failed.message() : "no address";
                              return done(Error{"cannot resolve \"" + host + "\": " + reason});
                            }
                            auto best = found.begin();
                            for (auto it = found.begin(); it != found.end(); ++it) {
                              if (it->endpoint().address().is_v4()) {
                                best = it;
                                break;
                              }
                            }
                            done(best->endpoint().address().to_string());
                          });
}

}  // namespace mesos::transport
