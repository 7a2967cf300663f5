//! A fleet of VPCs and their flow logs, one page at a time.
//!
//! Each page is generated from the numbers of its items, so even a hundred thousand VPCs take no memory.

/// The regions that have VPCs.
pub(crate) const REGIONS: [&str; 20] = [
    "cn-hangzhou",
    "cn-shanghai",
    "cn-beijing",
    "cn-shenzhen",
    "ap-southeast-1",
    "cn-qingdao",
    "cn-zhangjiakou",
    "cn-huhehaote",
    "cn-wulanchabu",
    "cn-heyuan",
    "cn-guangzhou",
    "cn-chengdu",
    "cn-hongkong",
    "ap-northeast-1",
    "ap-southeast-3",
    "ap-southeast-5",
    "eu-central-1",
    "eu-west-1",
    "us-east-1",
    "us-west-1",
];

/// A number of VPCs per region. Each has a compliant flow log, except every `lacking`-th, which has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fleet {
    pub(crate) vpcs: usize,
    /// Every VPC whose number, counted from 1, is a multiple of this has no flow log. At least 2.
    pub(crate) lacking: usize,
}

impl Fleet {
    /// A fleet in which every VPC has a flow log.
    pub(crate) const fn in_order(vpcs: usize) -> Self {
        Self { vpcs, lacking: usize::MAX }
    }

    /// The number of VPCs without a flow log.
    pub(crate) const fn repairs(self) -> usize {
        self.vpcs / self.lacking
    }

    const fn flow_logs(self) -> usize {
        self.vpcs - self.repairs()
    }

    /// The number of a flow log's VPC: in each group of `lacking` VPCs, the last one has no flow log.
    const fn vpc_of(self, flow_log: usize) -> usize {
        let group = self.lacking - 1;
        flow_log / group * self.lacking + flow_log % group
    }

    /// The page of VPCs that the form requests: of all, or of those that it names.
    pub(crate) fn vpcs_page(self, form: &str) -> String {
        let Page { number, size, region } = Page::of(form);
        let named =
            named(form, "VpcId=").map(|named| named.into_iter().filter(|nth| *nth < self.vpcs).collect::<Vec<_>>());
        let total = named.as_ref().map_or(self.vpcs, Vec::len);
        let items = items(number, size, total, |nth| vpc(region, named.as_ref().map_or(nth, |named| named[nth])));
        format!(
            r#"{{"RequestId":"54B48E3D-DF70-471B-AA93-08E683A1B457","TotalCount":{total},"PageNumber":{number},"PageSize":{size},
"Vpcs":{{"Vpc":[{items}]}}}}"#
        )
    }

    /// The page of flow logs that the form requests: of all, or of those on the resource that it names.
    pub(crate) fn flow_logs_page(self, form: &str) -> String {
        let Page { number, size, region } = Page::of(form);
        let has_one = |vpc: &usize| *vpc < self.vpcs && !(vpc + 1).is_multiple_of(self.lacking);
        let named = named(form, "ResourceId=").map(|named| named.into_iter().filter(has_one).collect::<Vec<_>>());
        let total = named.as_ref().map_or(self.flow_logs(), Vec::len);
        let vpc_of = |nth| named.as_ref().map_or_else(|| self.vpc_of(nth), |named| named[nth]);
        let items = items(number, size, total, |nth| flow_log(region, vpc_of(nth)));
        format!(
            r#"{{"RequestId":"F7DDDC17-FA06-4AC2-8F35-59D2470FCFC1","TotalCount":"{total}","PageNumber":"{number}",
"PageSize":"{size}","Success":"true","FlowLogs":{{"FlowLog":[{items}]}}}}"#
        )
    }

    /// The records of the region that the head of a request names, counted by VPC. The last is from the end of the time that
    /// the query in the body asks for.
    pub(crate) fn records(self, head: &str, query: &str) -> String {
        let region = REGIONS.iter().find(|region| head.contains(**region)).unwrap_or(&REGIONS[0]);
        let (_, to) = query.split_once("\"to\":").unwrap_or_default();
        let to = to.split_once(',').unwrap_or_default().0;
        let row = |nth| {
            let vpc = vpc_id(region, self.vpc_of(nth));
            format!(r#"{{"vpc":"{vpc}","status":"OK","records":"1440","last":"{to}"}}"#)
        };
        let rows = (0..self.flow_logs()).map(row).collect::<Vec<_>>();
        let count = rows.len();
        let rows = rows.join(",");
        format!(r#"{{"meta":{{"progress":"Complete","count":{count},"hasSQL":true}},"data":[{rows}]}}"#)
    }
}

/// The numbers of the VPCs that a form names, if it names any.
fn named(form: &str, key: &str) -> Option<Vec<usize>> {
    let ids = form.split('&').find_map(|pair| pair.strip_prefix(key))?;
    let number = |id: &str| id.rsplit_once("example")?.1.parse().ok();
    Some(ids.split("%2C").filter_map(number).collect())
}

/// The page that a form requests.
struct Page<'a> {
    number: usize,
    size: usize,
    region: &'a str,
}

impl<'a> Page<'a> {
    fn of(form: &'a str) -> Self {
        let value = |key: &str| form.split('&').find_map(|pair| pair.strip_prefix(key));
        let number = |key, default| value(key).and_then(|text| text.parse().ok()).unwrap_or(default);
        let region = value("RegionId=").unwrap_or(REGIONS[0]);
        Self { number: number("PageNumber=", 1), size: number("PageSize=", 10), region }
    }
}

fn items(page: usize, size: usize, total: usize, item: impl Fn(usize) -> String) -> String {
    (0..total).skip((page - 1) * size).take(size).map(item).collect::<Vec<_>>().join(",")
}

/// An id that is unique across regions.
fn vpc_id(region: &str, nth: usize) -> String {
    let region_nth = REGIONS.iter().position(|it| *it == region).unwrap_or(REGIONS.len());
    format!("vpc-bp{region_nth}example{nth:011}")
}

fn vpc(region: &str, nth: usize) -> String {
    format!(
        r#"{{"VpcId":"{}","RegionId":"{region}","Status":"Available","VpcName":"example","OwnerId":1000000000000001,
"CreationTime":"2025-01-02T03:04:05Z","CidrBlock":"10.0.0.0/16","VRouterId":"vrt-bp1example{nth:011}","IsDefault":false,
"Description":"","ResourceGroupId":"rg-example","VSwitchIds":{{"VSwitchId":[]}},
"SecondaryCidrBlocks":{{"SecondaryCidrBlock":[]}},"UserCidrs":{{"UserCidr":[]}},"RouterTableIds":{{"RouterTableIds":[]}},
"Tags":{{"Tag":[{{"Key":"team","Value":"network"}}]}}}}"#,
        vpc_id(region, nth)
    )
}

fn flow_log(region: &str, nth: usize) -> String {
    let vpc = vpc_id(region, nth);
    format!(
        r#"{{"FlowLogId":"fl-bp1example{nth:011}","FlowLogName":"flowkeeper-{vpc}","RegionId":"{region}",
"ResourceType":"VPC","ResourceId":"{vpc}","TrafficType":"All","Status":"Active","BusinessStatus":"Normal",
"ProjectName":"flowlog-1000000000000001-{region}","LogStoreName":"vpc","Description":"Kept by Flowkeeper",
"CreationTime":"2025-01-02T03:04:05Z","AggregationInterval":10,"ServiceType":"customer","IpVersion":"IPv4",
"FlowLogDeliverStatus":"SUCCESS","ResourceGroupId":"rg-example","TrafficPath":{{"TrafficPathList":["all"]}},
"Tags":{{"Tag":[{{"Key":"managed-by","Value":"flowkeeper"}},{{"Key":"team","Value":"network"}}]}}}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ids on a page.
    fn shown(page: &str, key: &str) -> Vec<String> {
        let key = format!("\"{key}\":\"");
        page.split(&key).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect()
    }

    #[test]
    fn every_hundredth_vpc_lacks_a_flow_log_and_the_pages_show_each_item_once() {
        let fleet = Fleet { vpcs: 250, lacking: 100 };
        assert_eq!(fleet.repairs(), 2);
        let pages = |page: &dyn Fn(&str) -> String, key| -> Vec<String> {
            let forms = (1..=5).map(|nth| format!("RegionId=cn-beijing&PageNumber={nth}&PageSize=50"));
            forms.flat_map(|form| shown(&page(&form), key)).collect()
        };
        let vpcs = pages(&|form| fleet.vpcs_page(form), "VpcId");
        let covered = pages(&|form| fleet.flow_logs_page(form), "ResourceId");
        let lacking: Vec<_> = vpcs.iter().filter(|vpc| !covered.contains(vpc)).collect();
        assert_eq!((vpcs.len(), covered.len()), (250, 248));
        assert_eq!(lacking, ["vpc-bp2example00000000099", "vpc-bp2example00000000199"]);
    }

    #[test]
    fn what_a_form_names_is_shown_alone() {
        let fleet = Fleet { vpcs: 250, lacking: 100 };
        let ids = [3, 99, 400].map(|nth| vpc_id("cn-beijing", nth));
        let form = format!("RegionId=cn-beijing&PageNumber=1&PageSize=50&VpcId={}", ids.join("%2C"));
        let page = fleet.vpcs_page(&form);
        assert_eq!(shown(&page, "VpcId"), ids[..2]);
        assert!(page.contains(r#""TotalCount":2,"#));
        let on = |id: &str| shown(&fleet.flow_logs_page(&format!("RegionId=cn-beijing&ResourceId={id}")), "ResourceId");
        assert_eq!((on(&ids[0]), on(&ids[1])), (vec![ids[0].clone()], Vec::new()), "the hundredth lacks its flow log");
    }

    #[test]
    fn every_flow_log_has_records_and_what_has_none_is_not_shown() {
        let fleet = Fleet { vpcs: 250, lacking: 100 };
        let records =
            fleet.records("Host: flowlog-1.cn-beijing.log.example.com", r#"{"from":1,"to":1764028800,"query":""}"#);
        let vpcs = shown(&records, "vpc");
        assert_eq!(
            (vpcs.len(), vpcs[98].as_str(), vpcs[99].as_str()),
            (248, "vpc-bp2example00000000098", "vpc-bp2example00000000100")
        );
        assert_eq!(shown(&records, "last")[0], "1764028800");
    }

    #[test]
    fn a_compliant_fleet_lacks_no_flow_log() {
        let fleet = Fleet::in_order(60);
        let page = fleet.flow_logs_page("PageNumber=2&PageSize=50");
        assert_eq!(shown(&page, "ResourceId").len(), 10);
        assert!(page.contains(r#""TotalCount":"60""#));
    }
}
