//! Gives each new VPC, vSwitch or network interface the flow log that the policy asks for.
