//! Each promise of the README, from event to resulting state. One file a promise.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod a_batch_is_handled_item_by_item;
mod a_dry_run_writes_nothing;
mod a_duplicate_event_does_no_harm;
mod a_failed_read_is_unknown_and_never_missing;
mod a_new_resource_gets_its_flow_log;
mod a_resource_that_is_not_there_yet_is_waited_for;
mod a_schedule_switches_off_and_on;
mod a_sweep_goes_over_accounts_and_regions;
mod a_sweep_keeps_within_its_limits;
mod a_write_is_not_repeated_blindly;
mod bad_input_gets_a_clear_answer;
mod bad_settings_are_all_named_at_once;
mod every_event_wakes_the_right_function;
mod every_fault_is_survived;
mod every_permission_is_needed;
mod every_promise_has_its_scenario;
mod every_run_answers_with_a_report;
mod express_connect_routers_have_flow_logs_too;
mod hostile_input_is_refused_within_bounds;
mod it_is_patient_but_not_for_ever;
mod killed_between_any_two_calls_it_comes_right_the_next_time;
mod layering;
mod no_key_goes_to_a_stranger;
mod no_secret_gets_out;
mod only_what_records_is_cover;
mod the_flow_log_service_is_opened_only_by_somebody_who_accepts_its_terms;
mod what_is_not_ours_is_left_alone;
mod what_is_orphaned_is_deleted;
mod what_others_did_to_a_flow_log_is_put_right;
mod whatever_happens_it_comes_right_in_the_end;
