module create-flow-log

go 1.19
