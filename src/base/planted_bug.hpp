// Bugs planted on purpose, for the simulation to find: a simulation that finds nothing proves
// nothing. Every ordinary build compiles MESOS_PLANTED(...) to false.
#pragma once

#ifdef MESOS_PLANTED_BUGS

namespace mesos {

enum class PlantedBug {
  None,
  AcknowledgeBeforeCallback,
  LoseCallsOfDeadConnection,
  RepeatAcceptOnNewConnection,
  NoHeartbeatWatchdog,
  KeepStreamIdAfterReconnect,
  LoseTaskOfDeadExecutor,
  LeakResourcesOfTerminalTask,
  SkipQueuedUpdateAfterAck,
  NoUpdateRetry,
  LaunchWithoutRemembering,
  // In what only the end of a master or an agent reaches.
  ForgetTasksAfterFailover,
  AnswerWhileRecovering,
  ForgetUnreachableAgents,
  ReplaceUnreachable,
  KeepTasksOfGoneAgent,
  LoseUpdatesOnAgentRestart,
  IgnoreMissingTasks,
  KeepRedirectTarget,
  ForgetUnacknowledgedOnResubscription,
  LeakExecutorsEndedMeanwhile,
};

inline PlantedBug plantedBug = PlantedBug::None;

}  // namespace mesos

#define MESOS_PLANTED(bug) (::mesos::plantedBug == ::mesos::PlantedBug::bug)

#else

#define MESOS_PLANTED(bug) false

#endif
