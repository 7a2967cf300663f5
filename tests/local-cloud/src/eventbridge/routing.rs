//! What is deployed on the buses: custom buses, rules and queues.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::Value;

use crate::{
    eventbridge::bus::EventBus,
    options::CrossRegion,
    ros::{
        rule::{Rule, Sink, Target},
        template::TemplateError,
    },
};

/// The custom buses, the rules on all buses, and the queues.
#[derive(Debug, Default)]
pub(crate) struct Routing {
    buses: BTreeSet<EventBus>,
    rules: BTreeMap<EventBus, Vec<Arc<Rule>>>,
    queues: BTreeSet<String>,
}

/// A target that an event goes to, by one of its rules.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    rule: Arc<Rule>,
    target: usize,
}

impl Route {
    pub(crate) fn rule(&self) -> &Rule {
        &self.rule
    }

    pub(crate) fn target(&self) -> &Target {
        &self.rule.targets[self.target]
    }
}

impl Routing {
    /// Makes a custom bus.
    pub(crate) fn add_bus(&mut self, bus: EventBus) {
        self.buses.insert(bus);
    }

    pub(crate) fn has_bus(&self, bus: &EventBus) -> bool {
        bus.is_default() || self.buses.contains(bus)
    }

    /// Returns the custom buses.
    pub(crate) fn buses(&self) -> impl Iterator<Item = &EventBus> {
        self.buses.iter()
    }

    pub(crate) fn has_queue(&self, queue: &str) -> bool {
        self.queues.contains(queue)
    }

    pub(crate) fn delete_queue(&mut self, queue: &str) {
        self.queues.remove(queue);
    }

    /// Deploys the rules and queues of a stack, unless EventBridge would refuse one of the rules.
    pub(crate) fn deploy(
        &mut self,
        rules: Vec<Rule>,
        queues: Vec<String>,
        cross_region: CrossRegion,
    ) -> Result<(), TemplateError> {
        for rule in &rules {
            self.check(rule, cross_region)?;
            self.check_loops(rule, &rules)?;
        }
        for rule in rules {
            self.rules.entry(rule.bus.clone()).or_default().push(Arc::new(rule));
        }
        self.queues.extend(queues);
        Ok(())
    }

    fn check(&self, rule: &Rule, cross_region: CrossRegion) -> Result<(), TemplateError> {
        if !self.has_bus(&rule.bus) {
            return Err(error(rule, "EventBusName", format!("there is no {}", rule.bus)));
        }
        if self.on(&rule.bus).iter().any(|known| known.name == rule.name) {
            let problem = format!("the {} has a rule {} already", rule.bus, rule.name);
            return Err(error(rule, "RuleName", problem));
        }
        for (n, bus) in rule.receivers() {
            if cross_region == CrossRegion::Refused && bus.region != rule.bus.region {
                let problem = format!("the {bus} is in another region, and no rule may send there");
                return Err(error(rule, &format!("Targets[{n}]"), problem));
            }
        }
        Ok(())
    }

    /// Checks that no event can come back to the bus of a rule, whatever the patterns, if these rules are deployed too.
    fn check_loops(&self, rule: &Rule, others: &[Rule]) -> Result<(), TemplateError> {
        for (n, bus) in rule.receivers() {
            let (mut seen, mut to_visit) = (BTreeSet::from([bus]), vec![bus]);
            while let Some(reached) = to_visit.pop() {
                if *reached == rule.bus {
                    let problem = format!("events of the {reached} would come back to it, without end");
                    return Err(error(rule, &format!("Targets[{n}]"), problem));
                }
                let deployed = self.on(reached).iter().map(Arc::as_ref);
                let all = deployed.chain(others.iter().filter(|other| other.bus == *reached));
                to_visit.extend(all.flat_map(Rule::receivers).map(|(_, next)| next).filter(|next| seen.insert(*next)));
            }
        }
        Ok(())
    }

    /// Returns the rules on a bus.
    fn on(&self, bus: &EventBus) -> &[Arc<Rule>] {
        self.rules.get(bus).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns where an event on a bus goes.
    pub(crate) fn routes(&self, bus: &EventBus, event: &Value) -> Vec<Route> {
        let matching = self.on(bus).iter().filter(|rule| rule.enabled && rule.pattern.matches(event));
        let targets = |rule: &Arc<Rule>| {
            (0..rule.targets.len()).map(|target| Route { rule: Arc::clone(rule), target }).collect::<Vec<_>>()
        };
        matching.flat_map(targets).collect()
    }
}

impl Rule {
    /// Returns the buses among the targets, with the number of each target.
    fn receivers(&self) -> impl Iterator<Item = (usize, &EventBus)> {
        self.targets.iter().enumerate().filter_map(|(n, target)| match &target.sink {
            Sink::Bus { bus, .. } => Some((n, bus)),
            Sink::Queue { .. } => None,
        })
    }
}

fn error(rule: &Rule, path: &str, problem: String) -> TemplateError {
    TemplateError { place: format!("Resources.{}.Properties.{path}", rule.id), problem }
}
