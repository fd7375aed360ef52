// Writes to an etcd as kube-apiserver does: each write only if the key is still at the revision that the writer knows.
//
//	etcd_client ENDPOINT OBJECTS VALUE_BYTES < requests > answers
//
// A request is a line "WRITERS SECONDS SPAN" (that many writers for so long, over the first SPAN objects) or
// "fill"; each is answered by one line of JSON.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	fillers = 64
	// Neighbouring turns write to distant keys.
	stride = 7919
)

type bench struct {
	client    *clientv3.Client
	value     string
	revisions []atomic.Int64
	turn      atomic.Int64
}

type sample struct {
	PerSecond float64 `json:"perSecond"`
	P50Ms     float64 `json:"p50Ms"`
	P99Ms     float64 `json:"p99Ms"`
	Writes    int     `json:"writes"`
}

func main() {
	objects, valueBytes := number(os.Args[2]), number(os.Args[3])
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{os.Args[1]}, DialTimeout: 10 * time.Second})
	must(err)
	b := &bench{client: client, value: string(make([]byte, valueBytes)), revisions: make([]atomic.Int64, objects)}
	requests := bufio.NewScanner(os.Stdin)
	for requests.Scan() {
		answer, err := json.Marshal(b.answer(requests.Text()))
		must(err)
		fmt.Println(string(answer))
	}
}

func (b *bench) answer(request string) sample {
	var writers, span int
	var seconds float64
	if _, err := fmt.Sscanf(request, "%d %f %d", &writers, &seconds, &span); err == nil {
		end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
		return b.write(writers, func() (int, bool) {
			turn := int(b.turn.Add(1))
			return turn * stride % span, time.Now().Before(end)
		})
	}
	var next atomic.Int64
	return b.write(fillers, func() (int, bool) {
		object := int(next.Add(1)) - 1
		return object, object < len(b.revisions)
	})
}

// Writes with so many writers at once until there is no next object.
func (b *bench) write(writers int, next func() (int, bool)) sample {
	var group sync.WaitGroup
	latencies := make([][]float64, writers)
	start := time.Now()
	for writer := range latencies {
		group.Add(1)
		go func() {
			defer group.Done()
			for object, more := next(); more; object, more = next() {
				sent := time.Now()
				b.put(object)
				latencies[writer] = append(latencies[writer], time.Since(sent).Seconds()*1000)
			}
		}()
	}
	group.Wait()
	return sampleOf(latencies, time.Since(start).Seconds())
}

// One write that is conditional on the object's own version.
func (b *bench) put(object int) {
	key := "/registry/configmaps/default/map-" + strconv.Itoa(object)
	known := b.revisions[object].Load()
	answer, err := b.client.Txn(context.Background()).
		If(clientv3.Compare(clientv3.ModRevision(key), "=", known)).
		Then(clientv3.OpPut(key, b.value)).
		Commit()
	must(err)
	if answer.Succeeded {
		b.revisions[object].Store(answer.Header.Revision)
	}
}

func sampleOf(latencies [][]float64, seconds float64) sample {
	var all []float64
	for _, each := range latencies {
		all = append(all, each...)
	}
	sort.Float64s(all)
	count := len(all)
	return sample{float64(count) / seconds, all[count/2], all[count*99/100], count}
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	must(err)
	return value
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
