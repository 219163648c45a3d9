"""Sessions of MasterHttp and AgentHttp that the recordings lack, in the words of cluster_session.hpp."""

SCALAR = '{"name":"%s","type":"SCALAR","scalar":{"value":%s}}'
RESERVED = ('{"name":"cpus","type":"SCALAR","scalar":{"value":0.5},"reservations":[{"type":"STATIC",'
            '"role":"r"},{"type":"DYNAMIC","role":"r","principal":"p"}]}')
EXECUTOR = ('"executor":{"type":"CUSTOM","executor_id":{"value":"e"},"command":{"value":"x"},'
            '"resources":[' + SCALAR % ("cpus", 0.1) + "]}")


def task(name: str, rest: str) -> str:
    resources = f'[{SCALAR % ("cpus", 0.1)},{SCALAR % ("mem", 32)}]'
    return (f'{{"name":"{name}","task_id":{{"value":"{name}"}},"agent_id":{{"value":"@A"}},'
            f'"resources":{resources},{rest}}}')


def call(kind: str, rest: str = "", word: str = "call") -> str:
    return f'{word} {{"type":"{kind}","framework_id":{{"value":"@F"}}{rest and "," + rest}}}'


def accept(*operations: str) -> str:
    return call("ACCEPT", '"accept":{"offer_ids":[{"value":"@O"}],"filters":{"refuse_seconds":0},'
                          f'"operations":[{",".join(operations)}]}}')


def launch(*tasks: str) -> str:
    return accept(f'{{"type":"LAUNCH","launch":{{"task_infos":[{",".join(tasks)}]}}}}')


def executor(kind: str, rest: str = "") -> str:
    return call(kind, '"executor_id":{"value":"e"}' + (rest and "," + rest), "executor")


def update(state: str, name: str = "t1") -> str:
    return executor("UPDATE", f'"update":{{"status":{{"task_id":{{"value":"{name}"}},'
                              f'"state":"TASK_{state}","source":"SOURCE_EXECUTOR",'
                              '"uuid":"yjm87+crSjCY61PduHf4nQ=="}}')


def subscribe(role: str, more: str = "") -> str:
    return ('call {"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"root","name":"n",'
            f'"roles":["{role}"],"failover_timeout":9{more},"capabilities":[{{"type":"MULTI_ROLE"}},'
            '{"type":"RESERVATION_REFINEMENT"},{"type":"PARTITION_AWARE"}]}}}')


ACKNOWLEDGE = call("ACKNOWLEDGE", '"acknowledge":{"agent_id":{"value":"@A"},"task_id":{"value":"t1"},'
                                  '"uuid":"@U"}')
TASK_OF_EXECUTOR = task("t1", EXECUTOR)
COMMAND = '"command":{"value":"sleep 9"}'
AGAIN = ('call {"type":"SUBSCRIBE","framework_id":{"value":"@F"},"subscribe":{"framework_info":{'
         '"id":{"value":"@F"},"user":"root","name":"n","roles":["*"],"failover_timeout":600,'
         '"checkpoint":true},"suppressed_roles":["*"]}}')
READS = ["HEALTH", "FLAGS", "VERSION", "METRICS", "LOGGING_LEVEL", "STATE", "AGENTS", "FRAMEWORKS",
         "EXECUTORS", "OPERATIONS", "TASKS", "ROLES", "MASTER", "CONTAINERS", "AGENT", "QUOTA",
         "WEIGHTS", "MAINTENANCE_STATUS"]

# What the recordings lack, as sessions; master, then agent.
MASTER_SESSIONS = [
    [launch(task("t1", COMMAND)), "wait 1000", ACKNOWLEDGE, call("KILL", '"kill":{"task_id":{"value":"t1"},'
     '"kill_policy":{"grace_period":{"nanoseconds":1000}}}'), "wait 4000", "exit 0 15", ACKNOWLEDGE],
    [subscribe("r"), "wait 1000", accept('{"type":"RESERVE","id":{"value":"o"},"reserve":{"resources":['
     + RESERVED + "]}}"), "wait 1000", accept('{"type":"UNRESERVE","unreserve":{"resources":[' + RESERVED
     + "]}}"), call("RECONCILE_OPERATIONS", '"reconcile_operations":{"operations":[]}')],
    [accept('{"type":"LAUNCH_GROUP","launch_group":{' + EXECUTOR + ',"task_group":{"tasks":['
     + task("t1", COMMAND) + "," + task("t2", COMMAND) + "]}}}"), executor("SUBSCRIBE", '"subscribe":{}'),
     update("RUNNING"), ACKNOWLEDGE, update("FINISHED", "t2"), "exit 0 0", "wait 60000"],
    [launch(task("t1", COMMAND + ',"check":{"type":"COMMAND","command":{"command":{"value":"x"}},'
     '"interval_seconds":1,"delay_seconds":0},"health_check":{"type":"HTTP","http":{"port":80},'
     '"grace_period_seconds":0,"consecutive_failures":1},"max_completion_time":{"nanoseconds":'
     '9000000000}')), "wait 20000", ACKNOWLEDGE, "wait 20000"],
    [launch(TASK_OF_EXECUTOR), "link", "wait 1000", "rejoin", "wait 2000", call("RECONCILE",
     '"reconcile":{"tasks":[{"task_id":{"value":"t1"},"agent_id":{"value":"@A"}}]}'), "wait 800000",
     "rejoin", "wait 2000", call("RECONCILE", '"reconcile":{"tasks":[]}')],
    [call("SUPPRESS", '"suppress":{"roles":["*"]}'), "wait 5000", call("REVIVE"), AGAIN,
     call("UPDATE_FRAMEWORK", '"update_framework":{"framework_info":{"id":{"value":"@F"},"user":"root",'
     '"name":"m","roles":["*","r"],"failover_timeout":1,"checkpoint":true,"capabilities":[{"type":'
     '"MULTI_ROLE"}],"offer_filters":{"r":{"min_allocatable_resources":{"quantities":[{"quantities":'
     '{"cpus":{"value":1}}}]}}}},"suppressed_roles":["r"]}'), "wait 2000", "close 0", "wait 2000"],
    [call("MESSAGE", '"message":{"agent_id":{"value":"@A"},"executor_id":{"value":"e"},"data":"AA=="}'),
     call("SHUTDOWN", '"shutdown":{"agent_id":{"value":"@A"},"executor_id":{"value":"e"}}'),
     call("REQUEST", '"request":{"requests":[]}'), call("DECLINE", '"decline":{"offer_ids":[{"value":'
     '"@O"}],"filters":{"refuse_seconds":1e300}}'), call("TEARDOWN"), "wait 1000"],
    ['operator {"type":"SUBSCRIBE"}', launch(task("t1", COMMAND), task("t1", COMMAND)), "exit 0 0",
     'operator {"type":"MARK_AGENT_GONE","mark_agent_gone":{"agent_id":{"value":"@A"}}}', "wait 20000",
     'operator {"type":"DRAIN_AGENT","drain_agent":{"agent_id":{"value":"@A"},"max_grace_period":'
     '{"nanoseconds":1}}}', "close 1"],
    [f'operator {{"type":"GET_{what}"}}' for what in READS],
    ["http POST /teardown HTTP/1.1\r\n\r\nframeworkId=@F", "http GET /state?jsonp=x HTTP/1.1\r\n\r\n",
     "http GET /tasks?limit=1&offset=1&order=asc&task_id=t HTTP/1.1\r\n\r\n",
     "http GET /slaves?slave_id=@A HTTP/1.1\r\n\r\n", "http GET /redirect HTTP/1.1\r\n\r\n",
     "http GET /metrics/snapshot?timeout=1secs HTTP/1.1\r\n\r\n", "http GET /files/debug HTTP/1.1\r\n\r\n",
     'http POST /local/fail HTTP/1.1\r\n\r\n{"fault":"partition-agent","agent":0,"for":"5secs"}',
     "http GET /roles HTTP/1.1\r\n\r\n", "http GET /state-summary HTTP/1.1\r\n\r\n"],
]
AGENT_SESSIONS = [
    [update("RUNNING"), ACKNOWLEDGE, update("FINISHED"), ACKNOWLEDGE, "exit 0 0", "wait 20000"],
    ["close-agent 0", "wait 1000", executor("SUBSCRIBE", '"subscribe":{"unacknowledged_tasks":['
     + task("t2", EXECUTOR) + '],"unacknowledged_updates":[{"status":{"task_id":{"value":"t1"},"state":'
     '"TASK_RUNNING","source":"SOURCE_EXECUTOR","uuid":"yjm87+crSjCY61PduHf4nQ=="}}]}')],
    [call("KILL", '"kill":{"task_id":{"value":"c"}}'), "wait 4000", "exit 1 15", "wait 5000", "rejoin"],
    [call("SHUTDOWN", '"shutdown":{"agent_id":{"value":"@A"},"executor_id":{"value":"e"}}'),
     update("KILLED"), "wait 9000", "exit 0 0", launch(task("t3", EXECUTOR)), "hold", "prepared 0 1"],
    [executor("MESSAGE", '"message":{"data":"AA=="}'), executor("HEARTBEAT"), "leave", "wait 1000"],
    [f'operator-agent {{"type":"GET_{what}"}}' for what in READS],
    ["http-agent GET /files/browse?path=/slaves HTTP/1.1\r\n\r\n",
     "http-agent GET /files/read?path=/a&offset=0&length=9 HTTP/1.1\r\n\r\n",
     "http-agent GET /files/download?path=%2e%2e HTTP/1.1\r\n\r\n", "http-agent GET /files/debug HTTP/1.1\r\n\r\n",
     'operator-agent {"type":"LIST_FILES","list_files":{"path":"/slave/log"}}',
     'operator-agent {"type":"READ_FILE","read_file":{"path":"/slave/log","offset":0,"length":9}}'],
    ["hold", launch(task("t3", COMMAND)), "prepared 2 0", "wait 1000", call("TEARDOWN"), "wait 20000"],
]
