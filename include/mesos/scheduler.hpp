// The scheduler side of the SDK: implement Scheduler, run it with a MesosSchedulerDriver.
#pragma once

#include <mesos/resources.hpp>
#include <mesos/result.hpp>
#include <mesos/types.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mesos::v1::scheduler {
class Event;
}  // namespace mesos::v1::scheduler

namespace mesos {

class SchedulerDriver;

/// Your half of a framework. The driver calls one callback at a time, on a thread of its own, never
/// nested; a callback may block without costing a heartbeat, and may call any method of the driver
/// except join() and run(). Pointers and references are valid during the call only. A callback that
/// throws aborts the driver, and the exception comes out of join().
class Scheduler {
 public:
  virtual ~Scheduler() = default;

  /// First subscription of this driver. `frameworkId` is what to keep for a later failover.
  virtual void registered(SchedulerDriver*, const FrameworkID&, const MasterInfo&) {}
  /// Every later subscription of this driver. All offers received before are void (fact S41).
  virtual void reregistered(SchedulerDriver*, const MasterInfo&) {}
  /// The subscription was lost. The driver is already trying to get it back. Offers are void.
  virtual void disconnected(SchedulerDriver*) {}
  /// New offers; each is to be used or declined, once. Default: declines them all.
  virtual void resourceOffers(SchedulerDriver* driver, const std::vector<Offer>& offers);
  /// An offer is withdrawn. Best effort: not every withdrawal is told (fact E3).
  virtual void offerRescinded(SchedulerDriver*, const OfferID&) {}
  /// A task changed. Returning acknowledges the status (unless
  /// SchedulerOptions::explicitAcknowledgements). At least once and in order per task if the status
  /// has a uuid; otherwise best effort (facts U10, U12).
  virtual void statusUpdate(SchedulerDriver*, const TaskStatus&) {}
  /// Bytes from an executor. At most once, best effort (fact E6).
  virtual void frameworkMessage(SchedulerDriver*, const ExecutorID&, const AgentID&,
                                const std::string& /*data*/) {}
  /// An agent was lost. Best effort; task states come by statusUpdate only (fact E7).
  virtual void slaveLost(SchedulerDriver*, const AgentID&) {}
  /// A custom executor ended; `status` is its raw wait(2) status, or -1. Best effort (fact E7).
  virtual void executorLost(SchedulerDriver*, const ExecutorID&, const AgentID&, int /*status*/) {}
  /// The framework cannot go on; the driver has already aborted. Default: prints to stderr.
  virtual void error(SchedulerDriver*, const std::string& message);
  /// An event without a classic callback: HEARTBEAT, INVERSE_OFFERS, UPDATE_OPERATION_STATUS,
  /// unknown ones.
  virtual void otherEvent(SchedulerDriver*, const v1::scheduler::Event&) {}
};

/// What a scheduler can ask of Mesos. All methods but join() and run() may be called from any
/// thread and from callbacks, and return at once. The Status returned is the driver's, not the
/// call's: a call's effect comes back as an event or not at all (fact Q23). While the driver is
/// disconnected a launch is answered by synthetic TASK_DROPPED (TASK_LOST without PARTITION_AWARE)
/// statuses without uuid; other calls are dropped, which each says below.
class SchedulerDriver {
 public:
  virtual ~SchedulerDriver() = default;

  /// Starts the driver's threads and the first subscription. Once.
  virtual Status start() = 0;
  /// Ends the driver. `failover` false: TEARDOWN, the framework and all its tasks go; it waits up
  /// to 5 s for the answer. `failover` true: just leaves; tasks live on for
  /// FrameworkInfo.failover_timeout.
  virtual Status stop(bool failover = false) = 0;
  /// Leaves at once, as stop(true), and makes join() return DRIVER_ABORTED. No callback after the
  /// current one.
  virtual Status abort() = 0;
  /// Waits for the end. Rethrows what a callback threw. Not from a callback.
  virtual Status join() = 0;
  /// start() and join().
  virtual Status run() = 0;

  /// Launches tasks on offers of one agent and role. No tasks: declines. `filters` applies to what
  /// remains of the offers; refuse_seconds default 5 (fact O20). Throws std::invalid_argument if no
  /// offer is given.
  virtual Status launchTasks(const std::vector<OfferID>& offers, const std::vector<TaskInfo>& tasks,
                             const Filters& filters = {}) = 0;
  /// The general form: any operations, in order (fact A7).
  virtual Status acceptOffers(const std::vector<OfferID>& offers,
                              const std::vector<Offer::Operation>& operations,
                              const Filters& filters = {}) = 0;
  /// Declines one offer. Best effort: dropped while disconnected (the offer is gone then anyway).
  virtual Status declineOffer(const OfferID& offer, const Filters& filters = {}) = 0;
  /// Kills a task. Not reliable: repeat until a terminal status comes (facts K1-K5). Dropped while
  /// disconnected.
  virtual Status killTask(const TaskID& task) = 0;
  /// Un-suppresses and clears all filters (fact O31). While disconnected: remembered, and
  /// told by the next subscription.
  virtual Status reviveOffers() = 0;
  /// Asks for no more offers (fact O32). While disconnected: remembered, and told by the next
  /// subscription; the driver repeats it at every resubscription (fact S43).
  virtual Status suppressOffers() = 0;
  /// Accepted and ignored by Mesos' own allocator (fact O35). Dropped while disconnected.
  virtual Status requestResources(const std::vector<Request>& requests) = 0;
  /// Asks for the latest state of these tasks (task_id and, if known, agent_id are used), or of all
  /// if empty (section 9.2). Dropped while disconnected; answers may be missing: ask again.
  virtual Status reconcileTasks(const std::vector<TaskStatus>& statuses) = 0;
  /// Bytes to an executor. At most once, best effort. Dropped while disconnected.
  virtual Status sendFrameworkMessage(const ExecutorID& executor, const AgentID& agent,
                                      const std::string& data) = 0;
  /// With explicit acknowledgements: tells Mesos that `status` is handled. Ignored if it has no
  /// uuid. Dropped while disconnected; Mesos then delivers the status again. Throws
  /// std::logic_error in implicit mode.
  virtual Status acknowledgeStatusUpdate(const TaskStatus& status) = 0;

  /// Bytes of calls accepted and not yet answered by the master: back-pressure made visible.
  virtual std::size_t unsentBytes() const = 0;
};

/// HTTP Basic credentials (facts T40-T43). The secret is never logged.
struct Credential {
  std::string principal;
  std::string secret;
};

/// How to speak TLS (1.2 and 1.3). Paths of PEM files; empty: none.
struct TlsOptions {
  /// Whom to trust with signing the masters' certificates; empty: whom the system trusts.
  std::string caFile = {};
  /// Of this program, for masters that want to see one: with its chain, and its key.
  std::string certificateFile = {};
  std::string keyFile = {};
  /// Whether the certificate must be made out to the host that was connected to: the name given as
  /// master, or the one that a redirect or ZooKeeper names. false: any that is signed by a trusted
  /// authority will do.
  bool verifyHost = true;
};

enum class LogLevel { debug, info, warning, error };
/// Called from the driver's threads, one call at a time.
using LogFunction = std::function<void(LogLevel, const std::string&)>;

struct SchedulerOptions {
  /// Sent with every request if set.
  std::optional<Credential> credential = std::nullopt;
  /// Set: every master is spoken to by TLS. Unset: only one named `https://HOST:PORT`, with the
  /// defaults of TlsOptions. Once TLS is spoken no redirect leads out of it.
  std::optional<TlsOptions> tls = std::nullopt;
  /// If true, statuses are acknowledged only by acknowledgeStatusUpdate().
  bool explicitAcknowledgements = false;
  /// Of backoff jitter and ids; 0: drawn from the system and logged.
  std::uint64_t seed = 0;
  /// Default: warnings and errors go to stderr.
  LogFunction log = nullptr;
};

/// The driver for the Mesos v1 HTTP API (protobuf). Reconnects by itself, first at once, then with
/// jittered exponential backoff; watches heartbeats; resubscribes under the same framework id.
class MesosSchedulerDriver : public SchedulerDriver {
 public:
  /// `scheduler` must outlive the driver. `master`: `HOST:PORT`, `http://HOST:PORT`,
  /// `https://HOST:PORT`; `zk://[user:pass@]h1:p1,h2:p2/path`, which follows the leading master
  /// from one to the next and keeps a subscription that works while ZooKeeper does not (facts
  /// Z1-Z17); or `file:///PATH` holding one of them, read now (fact Z3). The password is never
  /// logged. A ZooKeeper that does not take the credentials ends in error(). An empty
  /// framework.user becomes the current user; `roles` without the MULTI_ROLE capability gets it
  /// added (fact S20). A framework.id makes the subscription a failover of that framework. Throws
  /// std::invalid_argument for a null scheduler, a master that cannot be understood, and
  /// certificates or keys that cannot be used.
  MesosSchedulerDriver(Scheduler* scheduler, FrameworkInfo framework, std::string master,
                       SchedulerOptions options = {});
  /// Aborts and joins. Not from a callback.
  ~MesosSchedulerDriver() override;
  MesosSchedulerDriver(const MesosSchedulerDriver&) = delete;
  MesosSchedulerDriver& operator=(const MesosSchedulerDriver&) = delete;

  Status start() override;
  Status stop(bool failover = false) override;
  Status abort() override;
  Status join() override;
  Status run() override;
  Status launchTasks(const std::vector<OfferID>& offers, const std::vector<TaskInfo>& tasks,
                     const Filters& filters = {}) override;
  Status acceptOffers(const std::vector<OfferID>& offers,
                      const std::vector<Offer::Operation>& operations,
                      const Filters& filters = {}) override;
  Status declineOffer(const OfferID& offer, const Filters& filters = {}) override;
  Status killTask(const TaskID& task) override;
  Status reviveOffers() override;
  Status suppressOffers() override;
  Status requestResources(const std::vector<Request>& requests) override;
  Status reconcileTasks(const std::vector<TaskStatus>& statuses) override;
  Status sendFrameworkMessage(const ExecutorID& executor, const AgentID& agent,
                              const std::string& data) override;
  Status acknowledgeStatusUpdate(const TaskStatus& status) override;
  std::size_t unsentBytes() const override;

 private:
  class Pump;
  std::unique_ptr<Pump> pump_;
};

}  // namespace mesos
