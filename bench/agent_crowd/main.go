// Many agents without pods, as the server sees them: each with a certificate of its own, a full TLS handshake, the tunnel's
// protocol, the feed of its node and a heartbeat. One process; no more of an agent than the server can notice.
//
//	agent_crowd ADDRESS CA.crt CA.key NODES BEAT_SECONDS SPREAD_SECONDS [FOLLOW_QUERY] < requests > answers
//
// Requests are lines, each is answered by one line of JSON: "connect" (all, spread over SPREAD_SECONDS; they come back by
// themselves ever after), "status", "reset" (forgets what was counted).
package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"regexp"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	dialSeconds  = 20
	backoffFirst = time.Second
	backoffMax   = 30 * time.Second
	// Failures before agents wait longer.
	failuresCalm = 10
	rttsMax      = 200_000
	reasonsMax   = 20
)

var followQuery string

// What differs between agents in reasons that are the same.
var particular = regexp.MustCompile(`[0-9.]+:[0-9]+|agent-[0-9]+`)

type crowd struct {
	address string
	spread  time.Duration
	beat    time.Duration
	agents  []*agent

	connected atomic.Int64
	attempts  atomic.Int64
	refused   atomic.Int64
	failed    atomic.Int64
	lost      atomic.Int64
	beats     atomic.Int64
	feedBytes atomic.Int64

	mutex      sync.Mutex
	handshakes []float64
	rtts       []float64
	reasons    map[string]int
	allSince   time.Time
}

type agent struct {
	node   string
	config *tls.Config
	// Its own address, as every site has one.
	from net.Addr
}

type status struct {
	Connected     int64          `json:"connected"`
	Attempts      int64          `json:"attempts"`
	Refused       int64          `json:"refused"`
	Failed        int64          `json:"failed"`
	Lost          int64          `json:"lost"`
	Beats         int64          `json:"beats"`
	FeedBytes     int64          `json:"feedBytes"`
	HandshakeP50  float64        `json:"handshakeP50Ms"`
	HandshakeP99  float64        `json:"handshakeP99Ms"`
	HandshakeMax  float64        `json:"handshakeMaxMs"`
	BeatP50       float64        `json:"beatP50Ms"`
	BeatP99       float64        `json:"beatP99Ms"`
	AllConnectedS float64        `json:"allConnectedForSeconds"`
	Reasons       map[string]int `json:"reasons"`
}

func main() {
	if len(os.Args) < 7 {
		fmt.Fprintln(os.Stderr, "usage: agent_crowd ADDRESS CA.crt CA.key NODES BEAT_SECONDS SPREAD_SECONDS [FOLLOW_QUERY]")
		os.Exit(2)
	}
	if len(os.Args) > 7 {
		followQuery = os.Args[7]
	}
	ca, err := readAuthority(os.Args[2], os.Args[3])
	must(err)
	c := &crowd{address: os.Args[1], beat: seconds(os.Args[5]), spread: seconds(os.Args[6]), reasons: map[string]int{}}
	host, _, err := net.SplitHostPort(c.address)
	must(err)
	for i := range int(number(os.Args[4])) {
		node := fmt.Sprintf("agent-%05d", i)
		certificate, err := ca.issue(node)
		must(err)
		config := &tls.Config{
			RootCAs:                ca.pool,
			Certificates:           []tls.Certificate{certificate},
			ServerName:             host,
			NextProtos:             []string{"http/1.1"},
			SessionTicketsDisabled: true,
		}
		from := &net.TCPAddr{IP: net.IPv4(127, 1, byte(i>>8), byte(i))}
		c.agents = append(c.agents, &agent{node, config, from})
	}
	c.answer()
}

func (c *crowd) answer() {
	requests := bufio.NewScanner(os.Stdin)
	for requests.Scan() {
		switch requests.Text() {
		case "connect":
			for _, agent := range c.agents {
				go c.live(agent)
			}
		case "reset":
			c.reset()
		}
		text, err := json.Marshal(c.status())
		must(err)
		fmt.Println(string(text))
	}
}

// The life of an agent: it connects, is lost, and comes again.
func (c *crowd) live(a *agent) {
	spread := c.spread
	sleepUpTo(spread)
	for failures := 0; ; {
		c.attempts.Add(1)
		startedAt := time.Now()
		t, err := dial(c.address, a, dialSeconds*time.Second)
		if err != nil {
			c.count(err)
			failures++
			time.Sleep(waitAfter(err, failures, spread))
			continue
		}
		failures = 0
		if t.spread > 0 {
			spread = t.spread
		}
		c.welcome(time.Since(startedAt))
		err = c.run(a, t)
		t.conn.Close()
		c.part(err)
		sleepUpTo(spread)
	}
}

// As core/client/tunnel waits: anywhere in the spread at first, then longer and longer; or as the server has said.
func waitAfter(err error, failures int, spread time.Duration) time.Duration {
	var refused *refusal
	if errors.As(err, &refused) {
		if after, err := strconv.Atoi(refused.retryAfter); err == nil {
			return time.Duration((0.5 + rand.Float64()) * float64(after) * float64(time.Second))
		}
	}
	longest := float64(max(spread, backoffFirst)) * math.Pow(2, float64(max(0, failures-failuresCalm)))
	return time.Duration(rand.Float64() * min(longest, float64(max(spread, backoffMax))))
}

func (c *crowd) run(a *agent, t *tunnel) error {
	if followQuery != "" {
		if err := t.follow(c.address, a.node); err != nil {
			return err
		}
	}
	var rtt atomic.Int64
	var timer *time.Timer
	var stopped atomic.Bool
	timer = time.AfterFunc(time.Duration(rand.Float64()*float64(c.beat)), func() {
		if stopped.Load() || t.beat(time.Duration(rtt.Load())) != nil {
			return
		}
		timer.Reset(c.beat)
	})
	defer func() { stopped.Store(true); timer.Stop() }()
	return t.read(func(measured time.Duration) {
		rtt.Store(int64(measured))
		c.beaten(measured)
	}, func(bytes int) { c.feedBytes.Add(int64(bytes)) })
}

func (c *crowd) welcome(took time.Duration) {
	now := c.connected.Add(1)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.handshakes = append(c.handshakes, milliseconds(took))
	if now == int64(len(c.agents)) {
		c.allSince = time.Now()
	}
}

func (c *crowd) part(why error) {
	c.connected.Add(-1)
	c.lost.Add(1)
	c.note("lost: " + why.Error())
}

func (c *crowd) beaten(rtt time.Duration) {
	c.beats.Add(1)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if len(c.rtts) < rttsMax {
		c.rtts = append(c.rtts, milliseconds(rtt))
	}
}

func (c *crowd) count(err error) {
	var refused *refusal
	if errors.As(err, &refused) {
		c.refused.Add(1)
	} else {
		c.failed.Add(1)
	}
	c.note(err.Error())
}

// Keeps some of the reasons, without what differs between agents.
func (c *crowd) note(reason string) {
	reason = particular.ReplaceAllString(reason, "…")
	if len(reason) > 120 {
		reason = reason[:120]
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if _, known := c.reasons[reason]; known || len(c.reasons) < reasonsMax {
		c.reasons[reason]++
	}
}

func (c *crowd) reset() {
	for _, counter := range []*atomic.Int64{&c.attempts, &c.refused, &c.failed, &c.lost, &c.beats, &c.feedBytes} {
		counter.Store(0)
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.handshakes, c.rtts, c.reasons = nil, nil, map[string]int{}
}

func (c *crowd) status() status {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	s := status{
		Connected: c.connected.Load(), Attempts: c.attempts.Load(), Refused: c.refused.Load(),
		Failed: c.failed.Load(), Lost: c.lost.Load(), Beats: c.beats.Load(), FeedBytes: c.feedBytes.Load(),
		HandshakeP50: quantile(c.handshakes, 0.5), HandshakeP99: quantile(c.handshakes, 0.99),
		HandshakeMax: quantile(c.handshakes, 1), BeatP50: quantile(c.rtts, 0.5), BeatP99: quantile(c.rtts, 0.99),
		Reasons: map[string]int{},
	}
	for reason, count := range c.reasons {
		s.Reasons[reason] = count
	}
	if s.Connected == int64(len(c.agents)) {
		s.AllConnectedS = time.Since(c.allSince).Seconds()
	}
	return s
}

func quantile(values []float64, share float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := append([]float64(nil), values...)
	sort.Float64s(sorted)
	return sorted[int(share*float64(len(sorted)-1))]
}

func sleepUpTo(longest time.Duration) { time.Sleep(time.Duration(rand.Float64() * float64(longest))) }

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func seconds(text string) time.Duration { return time.Duration(number(text) * float64(time.Second)) }

func number(text string) float64 {
	value, err := strconv.ParseFloat(text, 64)
	must(err)
	return value
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
