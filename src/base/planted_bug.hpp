// Bugs planted on purpose, for the simulation to find: a simulation that finds nothing proves
// nothing. Every ordinary build compiles MESOS_PLANTED(...) to false.
#pragma once

#ifdef MESOS_PLANTED_BUGS

namespace mesos {

enum class PlantedBug {
  None,
  // The scheduler's session.
  AcknowledgeBeforeCallback,
  LoseCallsOfDeadConnection,
  RepeatAcceptOnNewConnection,
  NoHeartbeatWatchdog,
  KeepStreamIdAfterReconnect,
  KeepRedirectTarget,
  DropWhenNoLeaderIsKnown,
  ForgetSuppression,
  // The fleet and its reconciler.
  LaunchWithoutRemembering,
  ReplaceUnreachable,
  NeverRevive,
  IgnoreStrangers,
  // The master.
  LeakResourcesOfTerminalTask,
  UseResourcesOfTerminalTasks,
  ForgetTasksAfterFailover,
  AnswerWhileRecovering,
  ForgetUnreachableAgents,
  TellLostOfUnreachable,
  KeepTasksOfGoneAgent,
  LeakExecutorsEndedMeanwhile,
  OfferDisconnectedAgents,
  KeepOffersOfDisconnected,
  KeepTasksWithoutCheckpoint,
  // The agent.
  LoseTaskOfDeadExecutor,
  SkipQueuedUpdateAfterAck,
  NoUpdateRetry,
  LoseUpdatesOnAgentRestart,
  IgnoreMissingTasks,
  TakeTasksWhileRegistering,
  RegisterOnlyOnce,
  NeverReapRecovered,
};

inline PlantedBug plantedBug = PlantedBug::None;

}  // namespace mesos

#define MESOS_PLANTED(bug) (::mesos::plantedBug == ::mesos::PlantedBug::bug)

#else

#define MESOS_PLANTED(bug) false

#endif
