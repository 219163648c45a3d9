#include "driver/scheduler_pump.hpp"
#include "protocol/calls.hpp"
#include "transport/master_address.hpp"
#include "transport/tls.hpp"

#include <memory>
#include <stdexcept>
#include <utility>

namespace mesos {

namespace {

using TlsContext = std::shared_ptr<const transport::TlsContext>;

TlsContext makeTls(const std::optional<TlsOptions>& options) {
  const TlsOptions given = options.value_or(TlsOptions());
  auto context = transport::tlsClient({.caFile = given.caFile,
                                       .certificateFile = given.certificateFile,
                                       .keyFile = given.keyFile,
                                       .verifyHost = given.verifyHost});
  if (!context) throw std::invalid_argument(context.error().message);
  return *std::move(context);
}

}  // namespace

MesosSchedulerDriver::MesosSchedulerDriver(Scheduler* scheduler, FrameworkInfo framework,
                                           std::string master, SchedulerOptions options) {
  if (!scheduler) throw std::invalid_argument("the scheduler is null");
  auto spec = transport::masterSpec(master);
  if (!spec) throw std::invalid_argument(spec.error().message);
  if (options.tls && master.starts_with("http://")) {
    throw std::invalid_argument("the master " + master + " is named by http, but TLS is wanted");
  }
  const auto* address = std::get_if<protocol::Address>(&*spec);
  const bool isTls = options.tls || (address != nullptr && address->tls);
  TlsContext tls = isTls ? makeTls(options.tls) : nullptr;
  pump_ = std::make_unique<Pump>(*scheduler, *this, std::move(framework), *std::move(spec),
                                 std::move(tls), std::move(options));
}

MesosSchedulerDriver::~MesosSchedulerDriver() = default;

Status MesosSchedulerDriver::start() { return pump_->start(); }

Status MesosSchedulerDriver::stop(bool failover) { return pump_->stop(failover); }

Status MesosSchedulerDriver::abort() { return pump_->abort(); }

Status MesosSchedulerDriver::join() { return pump_->threads().join(); }

Status MesosSchedulerDriver::run() {
  const Status status = start();
  return status == DRIVER_RUNNING ? join() : status;
}

Status MesosSchedulerDriver::launchTasks(const std::vector<OfferID>& offers,
                                         const std::vector<TaskInfo>& tasks,
                                         const Filters& filters) {
  std::vector<Offer::Operation> operations;
  if (!tasks.empty()) operations.push_back(protocol::calls::launch(tasks));
  return acceptOffers(offers, operations, filters);
}

Status MesosSchedulerDriver::acceptOffers(const std::vector<OfferID>& offers,
                                          const std::vector<Offer::Operation>& operations,
                                          const Filters& filters) {
  if (offers.empty()) throw std::invalid_argument("no offer is given to accept");
  return pump_->call(protocol::calls::accept(offers, operations, filters));
}

Status MesosSchedulerDriver::declineOffer(const OfferID& offer, const Filters& filters) {
  return pump_->call(protocol::calls::decline({offer}, filters));
}

Status MesosSchedulerDriver::killTask(const TaskID& task) {
  return pump_->call(protocol::calls::kill(task));
}

Status MesosSchedulerDriver::reviveOffers() { return pump_->call(protocol::calls::revive()); }

Status MesosSchedulerDriver::suppressOffers() { return pump_->call(protocol::calls::suppress()); }

Status MesosSchedulerDriver::requestResources(const std::vector<Request>& requests) {
  return pump_->call(protocol::calls::request(requests));
}

Status MesosSchedulerDriver::reconcileTasks(const std::vector<TaskStatus>& statuses) {
  return pump_->call(protocol::calls::reconcile(statuses));
}

Status MesosSchedulerDriver::sendFrameworkMessage(const ExecutorID& executor, const AgentID& agent,
                                                  const std::string& data) {
  return pump_->call(protocol::calls::message(executor, agent, data));
}

Status MesosSchedulerDriver::acknowledgeStatusUpdate(const TaskStatus& status) {
  if (!pump_->acknowledgesExplicitly()) {
    throw std::logic_error("the driver acknowledges by itself: explicitAcknowledgements is false");
  }
  if (status.uuid().empty()) return pump_->threads().status();
  return pump_->call(protocol::calls::acknowledge(status));
}

std::size_t MesosSchedulerDriver::unsentBytes() const { return pump_->unsentBytes(); }

}  // namespace mesos
