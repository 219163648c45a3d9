// A scheduler on mesos-go's v1 library. It says on stdout what it is told, and takes orders from
// stdin, one a line:
//
//	command ID SHELL…    launch a command task on the next offer
//	executor ID          launch a task of the custom executor (-executor) on the next offer
//	message EXECUTOR TEXT   send the text to the executor, on the agent of its task
//	kill ID
//	reconcile            ask for every live task
//	teardown             remove the framework and end
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/backoff"
	"github.com/mesos/mesos-go/api/v1/lib/encoding/codecs"
	"github.com/mesos/mesos-go/api/v1/lib/extras/scheduler/callrules"
	"github.com/mesos/mesos-go/api/v1/lib/extras/scheduler/controller"
	"github.com/mesos/mesos-go/api/v1/lib/extras/scheduler/eventrules"
	"github.com/mesos/mesos-go/api/v1/lib/extras/store"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/httpsched"
	"github.com/mesos/mesos-go/api/v1/lib/resources"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler/calls"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler/events"
)

const failoverTimeout = time.Hour

var (
	master   = flag.String("master", "127.0.0.1:5050", "host:port of any master")
	codec    = flag.String("codec", "protobuf", "protobuf or json")
	executor = flag.String("executor", "", "path of the executor program")
)

type framework struct {
	caller calls.Caller
	id     store.Singleton

	sync.Mutex
	pending []mesos.TaskInfo
	live    map[string]string // Task ids to agent ids.
}

func say(format string, arguments ...interface{}) { fmt.Printf(format+"\n", arguments...) }

func must(err error) {
	if err != nil {
		say("FATAL %v", err)
		os.Exit(1)
	}
}

func (f *framework) call(call *scheduler.Call) {
	if err := calls.CallNoData(context.Background(), f.caller, call); err != nil {
		say("call %v failed: %v", call.GetType(), err)
	}
}

func wants() mesos.Resources {
	return mesos.Resources{
		resources.NewCPUs(0.1).Resource,
		resources.NewMemory(32).Resource,
	}
}

func (f *framework) commandTask(id, shell string) mesos.TaskInfo {
	return mesos.TaskInfo{
		Name:    id,
		TaskID:  mesos.TaskID{Value: id},
		Command: &mesos.CommandInfo{Value: &shell},
	}
}

func (f *framework) executorTask(id string) mesos.TaskInfo {
	shell := false
	codecName := *codec
	return mesos.TaskInfo{
		Name:   id,
		TaskID: mesos.TaskID{Value: id},
		Data:   []byte("data of " + id),
		Executor: &mesos.ExecutorInfo{
			Type:       mesos.ExecutorInfo_CUSTOM,
			ExecutorID: mesos.ExecutorID{Value: "go-executor"},
			Command: &mesos.CommandInfo{
				Value:     executor,
				Shell:     &shell,
				Arguments: []string{*executor},
				Environment: &mesos.Environment{Variables: []mesos.Environment_Variable{
					{Name: "INTEROP_CODEC", Value: &codecName},
				}},
			},
			Resources: wants(),
		},
	}
}

// Every pending task goes onto the first offer.
func (f *framework) offers(ctx context.Context, e *scheduler.Event) error {
	f.Lock()
	tasks := f.pending
	f.pending = nil
	f.Unlock()
	for i, offer := range e.GetOffers().GetOffers() {
		if i > 0 || len(tasks) == 0 {
			f.call(calls.Decline(offer.ID).With(calls.RefuseSeconds(200 * time.Millisecond)))
			continue
		}
		for j := range tasks {
			tasks[j].AgentID = offer.AgentID
			tasks[j].Resources = wants()
		}
		accept := calls.Accept(calls.OfferOperations{calls.OpLaunch(tasks...)}.WithOffers(offer.ID))
		f.call(accept.With(calls.RefuseSeconds(200 * time.Millisecond)))
	}
	return nil
}

func (f *framework) update(ctx context.Context, e *scheduler.Event) error {
	status := e.GetUpdate().GetStatus()
	id := status.GetTaskID().Value
	switch status.GetState() {
	case mesos.TASK_STARTING, mesos.TASK_RUNNING:
		f.Lock()
		f.live[id] = status.GetAgentID().GetValue()
		f.Unlock()
	}
	reason := "none"
	if status.Reason != nil {
		reason = status.GetReason().String()
	}
	say("task %s is %v reason %s data %q message %q", id, status.GetState(), reason,
		status.GetData(), status.GetMessage())
	return nil
}

func (f *framework) handler() events.Handler {
	logger := func(e *scheduler.Event) { say("event %v", e.GetType()) }
	return eventrules.New(
		controller.LogEvents(logger),
		controller.TrackSubscription(f.id, failoverTimeout),
		controller.AckStatusUpdatesF(func() calls.Caller { return f.caller }),
		controller.LiftErrors(),
	).Handle(events.Handlers{
		scheduler.Event_SUBSCRIBED: events.HandlerFunc(
			func(ctx context.Context, e *scheduler.Event) error {
				say("subscribed as %s heartbeat %v", e.GetSubscribed().GetFrameworkID().GetValue(),
					e.GetSubscribed().GetHeartbeatIntervalSeconds())
				return nil
			}),
		scheduler.Event_OFFERS: events.HandlerFunc(f.offers),
		scheduler.Event_UPDATE: events.HandlerFunc(f.update),
		scheduler.Event_MESSAGE: events.HandlerFunc(
			func(ctx context.Context, e *scheduler.Event) error {
				say("message from %s: %q", e.GetMessage().ExecutorID.Value, e.GetMessage().GetData())
				return nil
			}),
		scheduler.Event_FAILURE: events.HandlerFunc(
			func(ctx context.Context, e *scheduler.Event) error {
				say("failure of executor %q of agent %q", e.GetFailure().GetExecutorID().GetValue(),
					e.GetFailure().GetAgentID().GetValue())
				return nil
			}),
	}.Otherwise(func(context.Context, *scheduler.Event) error { return nil }))
}

func (f *framework) order(line string) {
	words := strings.SplitN(line, " ", 3)
	for len(words) < 3 {
		words = append(words, "")
	}
	f.Lock()
	agent := f.live[words[1]]
	switch words[0] {
	case "command":
		f.pending = append(f.pending, f.commandTask(words[1], words[2]))
	case "executor":
		f.pending = append(f.pending, f.executorTask(words[1]))
	}
	live := map[string]string{}
	for id, agentID := range f.live {
		live[id] = agentID
	}
	f.Unlock()
	switch words[0] {
	case "command", "executor":
		f.call(calls.Revive())
	case "message":
		for _, anyAgent := range live { // The tests have one agent.
			agent = anyAgent
		}
		f.call(calls.Message(agent, words[1], []byte(words[2])))
	case "kill":
		f.call(calls.Kill(words[1], agent))
	case "reconcile":
		f.call(calls.Reconcile(calls.ReconcileTasks(live)))
	case "teardown":
		f.call(&scheduler.Call{Type: scheduler.Call_TEARDOWN})
		say("torn down")
		os.Exit(0)
	}
}

func main() {
	flag.Parse()
	mediaType := codecs.MediaTypeProtobuf
	if *codec == codecs.NameJSON {
		mediaType = codecs.MediaTypeJSON
	}
	f := &framework{id: store.NewInMemorySingleton(), live: map[string]string{}}
	client := httpcli.New(
		httpcli.Endpoint("http://"+*master+"/api/v1/scheduler"),
		httpcli.Codec(codecs.ByMediaType[mediaType]),
		httpcli.Do(httpcli.With(httpcli.Timeout(10*time.Second))),
	)
	getID := store.GetIgnoreErrors(f.id)
	// A new connection is a new subscription: the old one may look alive when its master is gone.
	f.caller = callrules.New(callrules.WithFrameworkID(getID)).Caller(
		httpsched.NewCaller(client, httpsched.AllowReconnection(true)))

	go func() {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			f.order(lines.Text())
		}
		os.Exit(2) // Whoever started us is gone.
	}()

	timeout := failoverTimeout.Seconds()
	checkpoint := true
	must(controller.Run(
		context.Background(),
		&mesos.FrameworkInfo{
			User:            "root",
			Name:            "mesos-go",
			FailoverTimeout: &timeout,
			Checkpoint:      &checkpoint,
			Roles:           []string{"interop"},
			Capabilities: []mesos.FrameworkInfo_Capability{
				{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE},
				{Type: mesos.FrameworkInfo_Capability_PARTITION_AWARE},
				{Type: mesos.FrameworkInfo_Capability_TASK_KILLING_STATE},
			},
		},
		f.caller,
		controller.WithEventHandler(f.handler()),
		controller.WithFrameworkID(getID),
		controller.WithRegistrationTokens(
			backoff.Notifier(100*time.Millisecond, 500*time.Millisecond, nil)),
		controller.WithSubscriptionTerminated(func(err error) { say("disconnected: %v", err) }),
	))
}
