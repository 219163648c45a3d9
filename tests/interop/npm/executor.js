// An executor on the npm package mesos-framework. Its tasks run until they are killed; it answers
// every message.
"use strict";

const http = require("http");
const uuid = require("uuid");
const { Executor } = require("mesos-framework");

// The package subscribes without the member `subscribe`, which no Mesos since 1.0 accepts (400,
// "Expecting 'subscribe' to be present").
const request = http.request;
http.request = function (...args) {
  const result = request.apply(this, args);
  const write = result.write;
  result.write = function (body, ...more) {
    const call = JSON.parse(body);
    if (call.type === "SUBSCRIBE") {
      call.subscribe = { unacknowledged_tasks: [], unacknowledged_updates: [] };
    }
    return write.call(this, JSON.stringify(call), ...more);
  };
  return result;
};

const live = new Set();

function update(executor, taskId, state, data) {
  executor.update({
    task_id: taskId,
    executor_id: executor.executorId,
    source: "SOURCE_EXECUTOR",
    state,
    data,
    timestamp: Date.now() / 1000,
    uuid: uuid.v4({}, Buffer.alloc(16)).toString("base64"),
  });
}

// The package has no default for any event: each needs a handler.
const executor = new Executor({
  handlers: {
    SUBSCRIBED: function (subscribed) {},
    LAUNCH: function (launch) {
      live.add(launch.task.task_id.value);
      update(this, launch.task.task_id, "TASK_RUNNING",
          Buffer.from("data of " + launch.task.name).toString("base64"));
    },
    KILL: function (kill) {
      if (live.delete(kill.task_id.value)) update(this, kill.task_id, "TASK_KILLED");
    },
    ACKNOWLEDGED: function (acknowledged) {},
    MESSAGE: function (message) {
      this.message("heard " + Buffer.from(message.data, "base64").toString());
    },
    ERROR: function (error) {},
    SHUTDOWN: function (shutdown) {
      process.exit(0);
    },
  },
});

executor.on("error", (error) => {
  console.log("error: " + (error.message || error));
  // The package cannot subscribe again: its agent is gone, and so is what we are for.
  if (error.message === "Long-running connection was closed!") process.exit(1);
});
executor.subscribe();
