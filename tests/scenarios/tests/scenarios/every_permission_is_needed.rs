//! Each role of `template.yml` allows what its function needs, and nothing more: with all of it the function does its
//! work, and with any one action less it is refused a call and says so.

use std::{collections::BTreeMap, future::Future, pin::Pin};

use local_cloud::{
    Invocation, LocalCloud, OWN_ACCOUNT, Options, Role,
    template::{Function, Template, default_path},
};
use scenarios::cloud;

/// What a function is given to do so that it makes every kind of call that it knows. Others may wake, too; they are not
/// looked at.
struct Story {
    /// The function's program.
    function: &'static str,
    /// The cloud in which it plays.
    options: fn() -> Options,
    /// Nothing is asserted here, since a part of it fails where an action is taken away.
    play: for<'a> fn(&'a LocalCloud) -> Pin<Box<dyn Future<Output = ()> + 'a>>,
}

/// A story for each function of the template.
const STORIES: &[Story] = &[Story {
    function: "create-flow-log",
    options: || with_policy("accounts: [{id: '1000000000000002', role: 'acs:ram::1000000000000002:role/flowkeeper'}]"),
    play: |cloud| Box::pin(new_resources(cloud)),
}];

/// What a role allows for the sake of others, so that no call of the function shows that it is needed.
const FOR_OTHERS: &[(&str, &str)] = &[
    ("log:PostLogStoreLogs", "Function Compute writes the function's lines to the Logstore in its role"),
    ("mns:SendMessage", "Function Compute sends what failed to the dead-letter queue in its role"),
];

/// A cloud whose policy says this besides what it has to say.
fn with_policy(more: &str) -> Options {
    let policy = format!("flow_log: {{project: flowlog, log_store: vpc}}\n{more}\n");
    Options { policy: Some(policy), ..Options::default() }
}

/// A network interface and all that it lies in, and a VPC in another account.
async fn new_resources(cloud: &LocalCloud) {
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let vswitch = cloud.create_vswitch(&vpc).await.unwrap();
    cloud.create_network_interface(&vswitch).await.unwrap();
    cloud.operator("1000000000000002", "cn-hangzhou").create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
}

/// Each function of the template with its role and story.
fn functions() -> Vec<(Function, Role, &'static Story)> {
    let template = Template::read(&default_path(), &BTreeMap::new(), OWN_ACCOUNT, "cn-hangzhou").unwrap();
    let with_story = |function: Function| {
        let binary = &function.binary;
        let story = STORIES.iter().find(|story| story.function == binary);
        let story = story.unwrap_or_else(|| panic!("{binary} is new: write the story in which it makes every call"));
        let role = template.roles.iter().find(|role| Some(&role.name) == function.role.as_ref());
        (function.clone(), role.unwrap_or_else(|| panic!("{binary} has no role")).clone(), story)
    };
    template.functions.clone().into_iter().map(with_story).collect()
}

/// The actions that the function itself needs its role for.
fn own_actions(role: &Role) -> Vec<String> {
    let is_own = |action: &String| !FOR_OTHERS.iter().any(|(others, _)| others == action);
    role.allowed_actions().into_iter().filter(is_own).collect()
}

async fn played(story: &Story, options: Options) -> LocalCloud {
    let cloud = cloud(options).await.unwrap();
    (story.play)(&cloud).await;
    cloud
}

fn invocations(cloud: &LocalCloud, function: &Function) -> Vec<Invocation> {
    cloud.invocations().into_iter().filter(|invocation| invocation.function == function.name).collect()
}

/// The actions that were denied to a function.
fn denied(cloud: &LocalCloud, function: &Function) -> Vec<String> {
    let calls = cloud.calls().into_iter();
    let by_function = calls.filter(|call| call.caller.as_ref().is_some_and(|caller| caller.name == function.name));
    by_function.filter_map(|call| call.denied_action().map(str::to_owned)).collect()
}

#[tokio::test]
async fn each_function_does_its_work_with_the_role_of_the_template() {
    for (function, _, story) in functions() {
        let cloud = played(story, (story.options)()).await;
        assert_eq!(denied(&cloud, &function), [""; 0], "{}", function.name);
        let invocations = invocations(&cloud, &function);
        assert!(!invocations.is_empty(), "the story of {} does not wake it", function.name);
        for invocation in invocations {
            assert!(invocation.success, "{}: {:#}", function.name, invocation.body);
        }
    }
}

#[tokio::test]
async fn without_any_one_action_of_its_role_a_function_fails_and_names_it() {
    for (function, role, story) in functions() {
        let actions = own_actions(&role);
        assert!(!actions.is_empty(), "{} allows nothing", role.id);
        for action in actions {
            let cloud = played(story, (story.options)().without_permission(&role.id, &action)).await;
            let denied = denied(&cloud, &function);
            assert!(denied.contains(&action), "{} allows {action}, which no call of its function needs", role.id);
            let (_, operation) = action.split_once(':').unwrap();
            let says_so = |invocation: &Invocation| {
                let said = invocation.body.to_string();
                let code = ["Forbidden.RAM", "NoPermission"].iter().any(|code| said.contains(code));
                !invocation.success && code && said.contains(operation)
            };
            let invocations = invocations(&cloud, &function);
            assert!(invocations.iter().any(says_so), "without {action}: {invocations:#?}");
        }
    }
}

#[test]
fn what_a_role_allows_for_others_is_allowed_by_some_role() {
    let roles: Vec<Role> = functions().into_iter().map(|(_, role, _)| role).collect();
    for (action, reason) in FOR_OTHERS {
        let is_allowed = roles.iter().any(|role| role.allowed_actions().iter().any(|allowed| allowed == action));
        assert!(is_allowed, "no role allows {action} any more, though {reason}");
    }
}

#[test]
fn every_story_is_of_a_function_of_the_template() {
    let functions = functions();
    for story in STORIES {
        let is_there = functions.iter().any(|(function, ..)| function.binary == story.function);
        assert!(is_there, "{} is no function of the template", story.function);
    }
}
