// A scheduler on the npm package mesos-framework. It says on stdout what it is told, and takes
// orders from stdin, one a line, as ../mesos_go/scheduler does. The package launches command tasks
// by itself; it cannot launch a task that has an executor of its own, so that is done here.
"use strict";

const readline = require("readline");
const { Scheduler, Mesos } = require("mesos-framework");
const defaultHandlers = require("mesos-framework/lib/schedulerHandlers");

const mesos = Mesos.getMesos();
const [host, port] = process.argv[2].split(":");
const executorPath = process.argv[3];
const scratch = process.argv[4];
const RETRY_MS = 300;

const executorTasks = []; // Names of those to be launched on the next offer.
const tasks = {}; // By name: { id, agent }.

function say(text) {
  console.log(text);
}

const scheduler = new Scheduler({
  masterUrl: host,
  port: port,
  frameworkName: "npm",
  restartStates: [], // What ends stays ended, so that the tests can tell.
  exponentialBackoffMinimum: 0.2,
  logging: { path: scratch, fileName: "npm-framework.log", level: "error" },
  handlers: {
    OFFERS: function (offers) {
      if (executorTasks.length === 0) {
        defaultHandlers.OFFERS.call(this, offers);
        return;
      }
      const offer = offers.offers.shift();
      this.accept([offer.id], launchOf(offer, executorTasks.splice(0)), null);
      if (offers.offers.length > 0) this.decline(offers.offers.map((one) => one.id), null);
    },
  },
});

const scalar = (name, value) => ({ name, type: "SCALAR", scalar: { value } });

function launchOf(offer, names) {
  return {
    type: "LAUNCH",
    launch: {
      task_infos: names.map((name) => ({
        name,
        task_id: { value: name },
        agent_id: offer.agent_id,
        resources: [scalar("cpus", 0.1), scalar("mem", 32)],
        executor: {
          executor_id: { value: "npm-executor" },
          framework_id: { value: scheduler.frameworkId },
          resources: [scalar("cpus", 0.1), scalar("mem", 64)],
          command: {
            shell: false,
            value: process.execPath,
            arguments: ["node", executorPath],
            environment: { variables: [{ name: "NODE_PATH", value: process.env.NODE_PATH }] },
          },
        },
      })),
    },
  };
}

// The package subscribes again when the stream was ended, but not when its connection broke or the
// next one was refused (since Node 13 a broken response has no "end"). That is left to its user.
let again = null;
function subscribeSoon() {
  if (again !== null) return;
  again = setTimeout(() => {
    again = null;
    scheduler.mesosStreamId = undefined;
    delete scheduler.requestTemplate.headers["mesos-stream-id"];
    scheduler.subscribe();
  }, scheduler.subscribeBackoffTime + RETRY_MS);
}
const subscribe = scheduler.subscribe;
scheduler.subscribe = function () {
  subscribe.call(this);
  const request = this.httpRequest;
  request.once("error", subscribeSoon);
  request.once("response", (response) => {
    response.once("aborted", subscribeSoon);
    if (response.statusCode >= 400) subscribeSoon();
  });
};

scheduler.on("ready", () => scheduler.subscribe());
scheduler.on("subscribed", (subscribed) => say("subscribed as " + subscribed.frameworkId));
scheduler.on("heartbeat", () => say("event HEARTBEAT"));
scheduler.on("error", (error) => say("error: " + (error.message || JSON.stringify(error))));
scheduler.on("message", (message) =>
  say(`message from ${message.executorId.value}: "${message.data}"`));
scheduler.on("failure", (failure) => say("failure " + JSON.stringify(failure)));
scheduler.on("update", ({ status }) => {
  const id = status.task_id.value;
  // The package makes ids of the framework's name, the task's and a uuid.
  const name = id.startsWith("npm.") ? id.split(".")[1] : id;
  tasks[name] = { id, agent: status.agent_id.value };
  const data = status.data ? Buffer.from(status.data, "base64").toString() : "";
  say(`task ${name} is ${status.state} reason ${status.reason || "none"} data "${data}" ` +
      `message "${status.message || ""}"`);
});

function commandTask(name, shell) {
  scheduler.pendingTasks.push({
    name,
    isSubmitted: false,
    resources: { cpus: 0.1, mem: 32, ports: 1, disk: 0 },
    commandInfo: new mesos.CommandInfo(null, null, true, shell, null, null),
  });
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const [order, name, ...rest] = line.split(" ");
  const task = tasks[name];
  switch (order) {
    case "command":
      commandTask(name, rest.join(" "));
      scheduler.revive();
      break;
    case "executor":
      executorTasks.push(name);
      scheduler.revive();
      break;
    case "message":
      scheduler.message(Object.values(tasks)[0].agent, name, rest.join(" "));
      break;
    case "kill":
      scheduler.kill(task.id, task.agent);
      break;
    case "reconcile":
      scheduler.reconcile();
      break;
    case "teardown":
      scheduler.once("sent_teardown", () => {
        say("torn down");
        process.exit(0);
      });
      scheduler.teardown();
  }
}).on("close", () => process.exit(2)); // Whoever started us is gone.
