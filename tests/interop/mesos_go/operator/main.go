// An operator's tool on mesos-go's v1 library: it prints what a master's operator API tells, and
// then every event of it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/mesos/mesos-go/api/v1/lib/encoding/codecs"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/httpmaster"
	"github.com/mesos/mesos-go/api/v1/lib/master"
	"github.com/mesos/mesos-go/api/v1/lib/master/calls"
)

var address = flag.String("master", "127.0.0.1:5050", "host:port of the master")

func must(err error) {
	if err != nil {
		fmt.Println("FATAL", err)
		os.Exit(1)
	}
}

func ask(sender calls.Sender, call *master.Call) *master.Response {
	response, err := sender.Send(context.Background(), calls.NonStreaming(call))
	must(err)
	defer response.Close()
	var answer master.Response
	must(response.Decode(&answer))
	fmt.Println("answer", answer.GetType())
	return &answer
}

func printTasks(tasks *master.Response_GetTasks) {
	for _, task := range tasks.GetTasks() {
		fmt.Printf("task %s is %v on %s\n", task.TaskID.Value, task.GetState(), task.AgentID.Value)
	}
}

func main() {
	flag.Parse()
	sender := httpmaster.NewSender(httpcli.New(
		httpcli.Endpoint("http://"+*address+"/api/v1"),
		httpcli.Codec(codecs.ByMediaType[codecs.MediaTypeProtobuf]),
	).Send)
	for _, call := range []*master.Call{
		calls.GetHealth(), calls.GetFlags(), calls.GetVersion(), calls.GetMetrics(nil),
		calls.GetLoggingLevel(), calls.GetFrameworks(), calls.GetExecutors(), calls.GetRoles(),
		calls.GetMaster(),
	} {
		ask(sender, call)
	}
	for _, agent := range ask(sender, calls.GetAgents()).GetAgents.GetAgents() {
		fmt.Printf("agent %s active %v\n", agent.AgentInfo.GetID().GetValue(), agent.GetActive())
	}
	printTasks(ask(sender, calls.GetTasks()).GetTasks)
	printTasks(ask(sender, calls.GetState()).GetState.GetGetTasks())

	response, err := sender.Send(context.Background(), calls.NonStreaming(calls.Subscribe()))
	must(err)
	defer response.Close()
	for {
		var event master.Event
		must(response.Decode(&event))
		switch event.GetType() {
		case master.Event_TASK_UPDATED:
			status := event.GetTaskUpdated().Status
			fmt.Printf("event TASK_UPDATED %s %v\n", status.TaskID.Value, status.GetState())
		default:
			fmt.Println("event", event.GetType())
		}
	}
}
