// An executor on mesos-go's v1 library. Its tasks run until they are killed; it answers every
// message, keeps what is not acknowledged, and subscribes again with it when its agent went away.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log"
	"os"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/encoding"
	"github.com/mesos/mesos-go/api/v1/lib/encoding/codecs"
	"github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/mesos/mesos-go/api/v1/lib/executor/calls"
	"github.com/mesos/mesos-go/api/v1/lib/executor/config"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/httpexec"
)

var errShutdown = errors.New("told to shut down")

type program struct {
	sender      calls.Sender
	options     executor.CallOptions
	tasks       map[string]mesos.TaskInfo // Live ones.
	unackedTask map[string]mesos.TaskInfo // No update of it is acknowledged.
	unacked     []executor.Call_Update    // In the order they were sent.
}

func (p *program) send(call *executor.Call) error {
	response, err := p.sender.Send(context.Background(),
		calls.NonStreaming(call.With(p.options...)))
	if response != nil {
		response.Close()
	}
	return err
}

func (p *program) update(task mesos.TaskID, state mesos.TaskState, data []byte) {
	uuid := make([]byte, 16)
	if _, err := rand.Read(uuid); err != nil {
		log.Fatal(err)
	}
	uuid[6] = 0x40 | uuid[6]&0x0f // Version 4: Mesos looks at it.
	uuid[8] = 0x80 | uuid[8]&0x3f
	source := mesos.SOURCE_EXECUTOR
	timestamp := float64(time.Now().UnixNano()) / 1e9
	update := calls.Update(mesos.TaskStatus{
		TaskID:     task,
		State:      &state,
		Source:     &source,
		ExecutorID: &mesos.ExecutorID{Value: os.Getenv("MESOS_EXECUTOR_ID")},
		UUID:       uuid,
		Data:       data,
		Timestamp:  &timestamp,
	})
	p.unacked = append(p.unacked, *update.Update)
	if err := p.send(update); err != nil {
		log.Println("an update is kept for later:", err)
	}
}

func (p *program) acknowledged(a *executor.Event_Acknowledged) {
	delete(p.unackedTask, a.TaskID.Value)
	for i, update := range p.unacked {
		if string(update.Status.UUID) == string(a.UUID) {
			p.unacked = append(p.unacked[:i], p.unacked[i+1:]...)
			return
		}
	}
}

func (p *program) handle(event *executor.Event) error {
	log.Println("event", event.GetType())
	switch event.GetType() {
	case executor.Event_LAUNCH:
		task := event.GetLaunch().Task
		p.tasks[task.TaskID.Value] = task
		p.unackedTask[task.TaskID.Value] = task
		p.update(task.TaskID, mesos.TASK_RUNNING, task.Data)
	case executor.Event_KILL:
		id := event.GetKill().TaskID
		if _, known := p.tasks[id.Value]; known {
			delete(p.tasks, id.Value)
			p.update(id, mesos.TASK_KILLED, nil)
		}
	case executor.Event_ACKNOWLEDGED:
		p.acknowledged(event.GetAcknowledged())
	case executor.Event_MESSAGE:
		answer := append([]byte("heard "), event.GetMessage().Data...)
		if err := p.send(calls.Message(answer)); err != nil {
			return err
		}
	case executor.Event_SHUTDOWN:
		return errShutdown
	case executor.Event_ERROR:
		return errors.New(event.GetError().GetMessage())
	}
	return nil
}

// One subscription, until it breaks.
func (p *program) subscribe(subscriber calls.Sender) error {
	tasks := make([]mesos.TaskInfo, 0, len(p.unackedTask))
	for _, task := range p.unackedTask {
		tasks = append(tasks, task)
	}
	call := calls.Subscribe(tasks, p.unacked).With(p.options...)
	response, err := subscriber.Send(context.Background(), calls.NonStreaming(call))
	if response != nil {
		defer response.Close()
	}
	if err != nil {
		return err
	}
	for {
		var event executor.Event
		if err := response.Decode(&event); err != nil {
			return err
		}
		if err := p.handle(&event); err != nil {
			return err
		}
	}
}

func codec() encoding.Codec {
	if os.Getenv("INTEROP_CODEC") == codecs.NameJSON {
		return codecs.ByMediaType[codecs.MediaTypeJSON]
	}
	return codecs.ByMediaType[codecs.MediaTypeProtobuf]
}

func main() {
	cfg, err := config.FromEnv()
	if err != nil {
		log.Fatal(err)
	}
	client := func(options ...httpcli.ConfigOpt) calls.Sender {
		cli := httpcli.New(
			httpcli.Endpoint("http://"+cfg.AgentEndpoint+"/api/v1/executor"),
			httpcli.Codec(codec()),
			httpcli.Do(httpcli.With(options...)),
		)
		return httpexec.NewSender(cli.Send)
	}
	p := &program{
		sender: client(httpcli.Timeout(5 * time.Second)),
		options: executor.CallOptions{
			calls.Framework(cfg.FrameworkID),
			calls.Executor(cfg.ExecutorID),
		},
		tasks:       map[string]mesos.TaskInfo{},
		unackedTask: map[string]mesos.TaskInfo{},
	}
	lost := time.Time{}
	for {
		err := p.subscribe(client())
		if err == errShutdown {
			return
		}
		log.Println("disconnected:", err)
		if !cfg.Checkpoint {
			os.Exit(1)
		}
		if err == io.EOF || lost.IsZero() {
			lost = time.Now()
		}
		if time.Since(lost) > cfg.RecoveryTimeout {
			os.Exit(1)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
