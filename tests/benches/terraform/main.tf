# The policy of shared/command/examples as a configuration that needs no provider, so that Terraform can judge it without a
# network.

variable "time_zone" {
  type    = string
  default = "America/New_York"
}

locals {
  flow_log = {
    project   = "flowlog-{account}-{region}"
    log_store = "vpc"
    tags      = { team = "network" }
  }
  schedules = {
    office-hours = { time_zone = var.time_zone, on = ["Mon-Fri 07:00-21:00"], off_dates = ["2026-12-24..2027-01-03"] }
    nights       = { time_zone = var.time_zone, on = ["Sat 22:00-02:30"] }
  }
  overrides = [
    { tags = { env = "test" }, schedule = "never", traffic_type = null },
    { tags = { env = "dev" }, schedule = "office-hours", traffic_type = "Drop" },
  ]
}

resource "terraform_data" "override" {
  count = length(local.overrides)
  input = local.overrides[count.index]

  lifecycle {
    precondition {
      condition     = contains(concat(keys(local.schedules), ["always", "never"]), local.overrides[count.index].schedule)
      error_message = "There is no such schedule."
    }
  }
}

output "flow_log" {
  value = local.flow_log
}
