module create-flow-log

// The older of the two releases that Go's developers support. An older Go is not compared with.
go 1.26
