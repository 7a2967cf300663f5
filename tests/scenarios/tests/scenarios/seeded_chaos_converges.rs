use scenarios::chaos;

#[tokio::test]
async fn after_any_history_of_changes_and_faults_one_clean_sweep_reaches_the_desired_state() {
    for seed in 1..=8 {
        if let Err(problem) = chaos::run(seed, 60).await {
            panic!("seed {seed}: {problem}; `cargo run -p scenarios --bin chaos {seed} 1 60` shows it again");
        }
    }
}

#[tokio::test]
async fn the_same_seed_gives_the_same_history() {
    let mut writes = 0;
    for seed in 1..=4 {
        let [once, again] = [chaos::run(seed, 60).await, chaos::run(seed, 60).await].map(Result::unwrap);
        assert_eq!(once, again, "seed {seed}");
        writes += once.writes;
    }
    assert!(writes > 10, "{writes} writes: nothing much has happened");
}
