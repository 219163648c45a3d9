// The peer of client.cpp, on mesos-go's v1 library, in protobuf. Usage: client HOST:PORT
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/encoding/codecs"
	"github.com/mesos/mesos-go/api/v1/lib/extras/scheduler/callrules"
	"github.com/mesos/mesos-go/api/v1/lib/extras/scheduler/controller"
	"github.com/mesos/mesos-go/api/v1/lib/extras/scheduler/eventrules"
	"github.com/mesos/mesos-go/api/v1/lib/extras/store"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/httpsched"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler/calls"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler/events"
)

var updates, offers, resources int64

func handler(id store.Singleton, caller func() calls.Caller) events.Handler {
	return eventrules.New(
		controller.TrackSubscription(id, time.Hour),
		controller.AckStatusUpdatesF(caller),
		controller.LiftErrors(),
	).Handle(events.Handlers{
		scheduler.Event_UPDATE: events.HandlerFunc(
			func(ctx context.Context, e *scheduler.Event) error {
				atomic.AddInt64(&updates, 1)
				return nil
			}),
		scheduler.Event_OFFERS: events.HandlerFunc(
			func(ctx context.Context, e *scheduler.Event) error {
				told := e.GetOffers().GetOffers()
				atomic.AddInt64(&offers, int64(len(told)))
				for i := range told {
					atomic.AddInt64(&resources, int64(len(told[i].Resources)))
				}
				return nil
			}),
	}.Otherwise(func(context.Context, *scheduler.Event) error { return nil }))
}

func main() {
	go func() {
		io.Copy(io.Discard, os.Stdin)
		fmt.Printf("updates %d offers %d resources %d\n", atomic.LoadInt64(&updates),
			atomic.LoadInt64(&offers), atomic.LoadInt64(&resources))
		os.Exit(0)
	}()
	id := store.NewInMemorySingleton()
	client := httpcli.New(
		httpcli.Endpoint("http://"+os.Args[1]+"/api/v1/scheduler"),
		httpcli.Codec(codecs.ByMediaType[codecs.MediaTypeProtobuf]),
		httpcli.Do(httpcli.With(httpcli.Timeout(10*time.Second))),
	)
	getID := store.GetIgnoreErrors(id)
	caller := callrules.New(callrules.WithFrameworkID(getID)).Caller(httpsched.NewCaller(client))
	err := controller.Run(
		context.Background(),
		&mesos.FrameworkInfo{User: "root", Name: "bench", Roles: []string{"services"},
			Capabilities: []mesos.FrameworkInfo_Capability{
				{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE}}},
		caller,
		controller.WithEventHandler(handler(id, func() calls.Caller { return caller })),
		controller.WithFrameworkID(getID),
		controller.WithSubscriptionTerminated(func(err error) {
			fmt.Fprintln(os.Stderr, "the subscription ended:", err)
			os.Exit(1)
		}),
	)
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
