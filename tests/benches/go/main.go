// Command create-flow-log is the function in Go, on the standard library alone: a custom runtime on net/http, the handling
// of a new VPC, and calls that are signed as the RPC API of Alibaba Cloud wants them. A new VPC without a flow log gets one.
//
// Settings: FC_SERVER_PORT, CLOUD (127.0.0.1:port).
package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"sort"
	"strings"
	"time"
)

const (
	version  = "2016-04-28"
	logStore = "vpc"
)

// key holds the credentials of one invocation.
type key struct{ id, secret, token string }

// event is the part of an event that the function looks at.
type event struct {
	Data struct {
		ServiceName        string `json:"serviceName"`
		EventName          string `json:"eventName"`
		ErrorCode          string `json:"errorCode"`
		RecipientAccountID string `json:"recipientAccountId"`
		Region             string `json:"acsRegion"`
		ResponseElements   struct {
			VpcID string `json:"VpcId"`
		} `json:"responseElements"`
	} `json:"data"`
}

// vpc is the VPC that an event names.
type vpc struct{ account, region, id string }

// result is the answer to an invocation.
type result struct {
	RequestID    string `json:"request_id,omitempty"`
	ResourceID   string `json:"resource_id,omitempty"`
	Outcome      string `json:"outcome,omitempty"`
	FlowLogID    string `json:"flow_log_id,omitempty"`
	ErrorType    string `json:"errorType,omitempty"`
	ErrorMessage string `json:"errorMessage,omitempty"`
}

// session makes calls in a region, with the credentials of one invocation.
type session struct {
	key    key
	region string
}

var rfc3986 = strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~")

// encode is the percent-encoding of RFC 3986, which signatures are made over.
func encode(text string) string {
	return rfc3986.Replace(url.QueryEscape(text))
}

// sign returns the form with its signature.
func sign(form map[string]string, secret string) string {
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	sort.Strings(names)
	var canonical strings.Builder
	for nth, name := range names {
		if nth > 0 {
			canonical.WriteByte('&')
		}
		canonical.WriteString(encode(name))
		canonical.WriteByte('=')
		canonical.WriteString(encode(form[name]))
	}
	mac := hmac.New(sha1.New, []byte(secret+"&"))
	mac.Write([]byte("POST&%2F&" + encode(canonical.String())))
	return canonical.String() + "&Signature=" + encode(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

var (
	client = &http.Client{Timeout: 10 * time.Second}
	cloud  = "http://" + os.Getenv("CLOUD") + "/"
)

// call makes a call, and decodes its answer.
func (s session) call(action string, form map[string]string, answer any) error {
	var nonce [16]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return err
	}
	form["AccessKeyId"] = s.key.id
	form["Action"] = action
	form["Format"] = "JSON"
	form["RegionId"] = s.region
	form["SecurityToken"] = s.key.token
	form["SignatureMethod"] = "HMAC-SHA1"
	form["SignatureNonce"] = hex.EncodeToString(nonce[:])
	form["SignatureVersion"] = "1.0"
	form["Timestamp"] = time.Now().UTC().Format("2006-01-02T15:04:05Z")
	form["Version"] = version
	got, err := client.Post(cloud, "application/x-www-form-urlencoded", strings.NewReader(sign(form, s.key.secret)))
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	if got.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", action, got.Status, body)
	}
	return json.Unmarshal(body, answer)
}

func (s session) exists(v vpc) (bool, error) {
	var answer struct {
		Vpcs struct {
			Vpc []struct {
				VpcID string `json:"VpcId"`
			}
		}
	}
	err := s.call("DescribeVpcs", map[string]string{"VpcId": v.id, "PageNumber": "1", "PageSize": "50"}, &answer)
	return len(answer.Vpcs.Vpc) > 0, err
}

func (s session) hasFlowLog(v vpc) (bool, error) {
	var answer struct {
		FlowLogs struct{ FlowLog []struct{ Status string } }
	}
	form := map[string]string{"ResourceType": "VPC", "ResourceId": v.id, "PageNumber": "1", "PageSize": "50"}
	err := s.call("DescribeFlowLogs", form, &answer)
	for _, found := range answer.FlowLogs.FlowLog {
		if found.Status == "Active" {
			return true, err
		}
	}
	return false, err
}

func (s session) createFlowLog(v vpc) (string, error) {
	var answer struct {
		FlowLogID string `json:"FlowLogId"`
	}
	err := s.call("CreateFlowLog", map[string]string{
		"ResourceType":        "VPC",
		"ResourceId":          v.id,
		"TrafficType":         "All",
		"ProjectName":         "flowlog-" + v.account + "-" + v.region,
		"LogStoreName":        logStore,
		"FlowLogName":         "flowkeeper-" + v.id,
		"Description":         "Kept by Flowkeeper",
		"AggregationInterval": "10",
		"Tag.1.Key":           "managed-by",
		"Tag.1.Value":         "flowkeeper",
	}, &answer)
	return answer.FlowLogID, err
}

// handle handles an event, and returns what was done.
func handle(body []byte, key key) (result, error) {
	var it event
	if err := json.Unmarshal(body, &it); err != nil {
		return result{}, err
	}
	data := it.Data
	if data.ServiceName != "Vpc" || data.EventName != "CreateVpc" || data.ErrorCode != "" {
		return result{Outcome: "skipped"}, nil
	}
	v := vpc{data.RecipientAccountID, data.Region, data.ResponseElements.VpcID}
	s := session{key, v.region}
	if found, err := s.exists(v); err != nil {
		return result{}, err
	} else if !found {
		return result{}, errors.New("there is no " + v.id)
	}
	if found, err := s.hasFlowLog(v); err != nil {
		return result{}, err
	} else if found {
		return result{ResourceID: v.id, Outcome: "unchanged"}, nil
	}
	id, err := s.createFlowLog(v)
	return result{ResourceID: v.id, Outcome: "done", FlowLogID: id}, err
}

func serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var answer result
	if err == nil {
		head := r.Header
		key := key{head.Get("x-fc-access-key-id"), head.Get("x-fc-access-key-secret"), head.Get("x-fc-security-token")}
		answer, err = handle(body, key)
	}
	status := http.StatusOK
	if err != nil {
		status = http.StatusNotFound
		answer = result{ErrorType: "Failed", ErrorMessage: err.Error()}
	}
	answer.RequestID = r.Header.Get("x-fc-request-id")
	text, err := json.Marshal(answer)
	if err != nil {
		log.Print(err)
	}
	os.Stdout.Write(append(text, '\n'))
	w.Header().Set("x-fc-status", fmt.Sprint(status))
	w.WriteHeader(status)
	w.Write(text)
}

func main() {
	log.Fatal(http.ListenAndServe("0.0.0.0:"+os.Getenv("FC_SERVER_PORT"), http.HandlerFunc(serve)))
}
