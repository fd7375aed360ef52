module coracle.example/bench/agent_crowd

go 1.22
