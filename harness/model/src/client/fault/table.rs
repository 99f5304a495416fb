//! The faults, one row each: its requirement, and what the client does wrong.

use super::faults;

faults! {
    Transport {
        OneReadOnePdu "one-read-one-pdu" "rpc.stream.octet-by-octet": "takes each read for one whole PDU";
        FragLengthIgnored "frag-length-ignored" "rpc.client.response-frag-length": "takes all that it reads behind its call for the response, whatever its length says";
        UnansweredIsSuccess "unanswered-is-success" "rpc.client.peer-closes": "takes a host that goes away, or says nothing, behind its call for one that is content";
        OctetBehindRequest "octet-behind-request" "rpc.header.frag-length-exact": "sends an octet behind its call that belongs to no PDU";
        NeverConnects "never-connects" "rpc.client.bind-first": "asks no host, and reports that none answers";
    }
    Bind {
        BindFlags "bind-flags" "rpc.client.bind-first": "sets the flag of calls without answer on its bind";
        BindMinorVersion "bind-minor-version" "rpc.client.bind-first": "binds with version 5.2";
        BindBigEndian "bind-big-endian" "rpc.client.bind-first": "says that its bind is in EBCDIC";
        ContextIdsRepeated "context-ids-repeated" "rpc.client.bind-contexts": "offers all its contexts under one id";
        InterfaceVersion "interface-version" "rpc.client.bind-contexts": "asks for version 2.0 of the interface";
        FeatureBitsUnknown "feature-bits-unknown" "rpc.client.bind-btfn": "asks for a feature that does not exist";
        BindSizesSmall "bind-sizes-small" "rpc.client.bind-sizes": "offers fragments of 1024 octets";
        GroupMadeUp "group-made-up" "rpc.client.bind-sizes": "asks to join an association group that it has made up";
        CallsBeforeAck "calls-before-ack" "rpc.client.waits-for-ack": "sends its call together with its bind";
        AckCallIdIgnored "ack-call-id-ignored" "rpc.client.ack-inconsistent": "takes a bind_ack with any call id";
        AckSyntaxIgnored "ack-syntax-ignored" "rpc.client.ack-inconsistent": "takes any accepted result for NDR32 or NDR64, by its place";
        NoResultsAccepted "no-results-accepted" "rpc.client.ack-inconsistent": "takes a bind_ack without results for an acceptance";
        LastResultCounts "last-result-counts" "rpc.client.ack-inconsistent": "calls on the context of the last accepted result, whether it has offered it or not";
        SecondaryAddressFixed "secondary-address-fixed" "rpc.client.secondary-address-any": "has room for a secondary address of six octets";
        BindNakIgnored "bind-nak-ignored" "rpc.client.bind-nak": "calls after a bind_nak";
        BindFaultIgnored "bind-fault-ignored" "rpc.client.bind-fault": "calls after a fault in answer to its bind";
        RejectionIgnored "rejection-ignored" "rpc.client.all-rejected": "calls on a context that was rejected";
        AckByAnyName "ack-by-any-name" "rpc.client.unexpected-pdu": "takes any PDU that reads like a bind_ack for one";
        FirstContextAlways "first-context-always" "rpc.client.uses-accepted-context": "calls on its first context, whichever was accepted";
    }
    Call {
        OpnumOne "opnum-one" "rpc.client.request-well-formed": "calls operation 1";
        RequestHintWrong "request-hint-wrong" "rpc.client.request-well-formed": "announces eight octets more than its stub has";
        RequestFlags "request-flags" "rpc.client.request-well-formed": "asks for a cancel with its call";
        AuthLengthInRequest "auth-length-in-request" "rpc.header.auth-length-zero-without-auth": "announces a verifier that is not there";
        RequestTwice "request-twice" "rpc.client.call-id-distinct": "sends its call twice under one id";
        RequestTooLong "request-too-long" "rpc.client.request-respects-max-recv": "adds 2500 octets to its call, and sends it in one fragment";
        FragmentsAllLast "fragments-all-last" "rpc.client.request-respects-max-recv": "marks each fragment of its call as the only one";
        Ndr32CountWrong "ndr32-count-wrong" "rpc.ndr.request-layout": "counts an octet too many in NDR32";
        Ndr64CountShort "ndr64-count-short" "rpc.ndr64.request-layout": "writes the count of NDR64 in 32 bits";
        Ndr64PaddingLeftOver "ndr64-padding-left-over" "rpc.stub.padding-zero": "leaves what was in memory in the padding of NDR64";
        ResponseByAnyName "response-by-any-name" "rpc.client.unexpected-pdu": "takes any PDU behind its call for the response";
        FaultDataTaken "fault-data-taken" "rpc.client.fault-reported": "takes what stands in a fault for the data of a response";
        CallIdIgnored "call-id-ignored" "rpc.client.wrong-call-id": "takes a response with any call id";
        FirstFragmentAlone "first-fragment-alone" "rpc.client.fragmented-response": "takes the first fragment of a response for all of it";
        CrashOnManyFragments "crash-on-many-fragments" "rpc.client.fragmented-response": "crashes on the fifth fragment of a response";
        AllocHintBelieved "alloc-hint-believed" "rpc.client.response-alloc-hint": "refuses a response whose hint is not its length";
        CrashOnHugeHint "crash-on-huge-hint" "rpc.client.response-alloc-hint": "crashes when a response announces two gigabytes";
        ReservedOctetRefused "reserved-octet-refused" "rpc.client.response-header-variants": "refuses a response whose reserved octet is not 0";
        CrashOnCancelCount "crash-on-cancel-count" "rpc.client.response-header-variants": "crashes on a response that counts a cancel";
        ReferentOfWindowsAlone "referent-of-windows-alone" "rpc.ndr.response-layout": "refuses every referent but that of Windows";
        PaddingReadAsValue "padding-read-as-value" "rpc.ndr64.response-layout": "refuses a response whose padding is not 0";
        CountsUnchecked "counts-unchecked" "rpc.client.response-stub-inconsistent": "does not compare the two counts of a response";
        ReturnValueAssumed "return-value-assumed" "rpc.client.response-stub-inconsistent": "takes a return value that is not there for 0";
        RefusalCodeLost "refusal-code-lost" "rpc.client.response-null-pointer": "reports every refusal as an unspecified error";
        AbsentIsSuccess "absent-is-success" "rpc.client.response-null-pointer": "takes a null pointer with return value 0 for a success";
        ReturnValueIgnored "return-value-ignored" "rpc.client.error-return-with-data": "does not look at the return value where there are data";
        CrashOnSurplus "crash-on-surplus" "rpc.client.response-surplus": "crashes on octets behind the return value";
    }
    Message {
        MessageTooLong "message-too-long" "message.size": "adds four octets to its message";
        InnerVersionWrong "inner-version-wrong" "message.version-agrees": "seals minor version 1 into a message of minor version 0";
        WorkstationUnterminated "workstation-unterminated" "message.workstation-terminated": "fills the field of its name to the last unit";
        LicenseStatusUnknown "license-status-unknown" "message.license-status-range": "says that its licence status is 7";
        VmFlagTwo "vm-flag-two" "message.vm-flag-range": "says 2 where it is asked whether it is a virtual machine";
        CmidZero "cmid-zero" "message.cmid-v4": "has a client machine id of zeros";
        NPolicyHuge "n-policy-huge" "policy.n-policy-sane": "asks for 1001 machines";
        V4MacWrong "v4-mac-wrong" "crypto.v4-mac": "sends a wrong MAC in version 4";
        PaddingZeros "padding-zeros" "crypto.padding": "pads an encrypted message with zeros";
        V4MacUnchecked "v4-mac-unchecked" "client.rejects-unverified": "does not check the MAC of version 4";
        V5IvUnchecked "v5-iv-unchecked" "client.rejects-unverified": "does not look whether a v5 response has the IV of its request";
        V5HashUnchecked "v5-hash-unchecked" "client.rejects-unverified": "does not check the hash of version 5";
        V6HashUnchecked "v6-hash-unchecked" "client.rejects-unverified": "does not check the hash of version 6";
        V6ProofUnchecked "v6-proof-unchecked" "client.rejects-unverified": "does not look whether a v6 response shows the decrypted IV";
        HmacUnchecked "hmac-unchecked" "client.rejects-unverified": "does not check the MAC of version 6";
        CmidUnchecked "cmid-unchecked" "client.rejects-unverified": "takes a response for another machine";
        TimeUnchecked "time-unchecked" "client.rejects-unverified": "takes a response to a request of another time";
        VersionUnchecked "version-unchecked" "client.rejects-unverified": "takes a response of another version";
        OwnSlotAlone "own-slot-alone" "client.rejects-unverified": "refuses a v6 MAC of a neighbouring slot of time";
        UnverifiedChangesState "unverified-changes-state" "client.rejects-unverified": "loses its activation by a response that fails verification";
    }
    Licence {
        ThresholdIgnored "threshold-ignored" "client.activates-at-threshold": "activates whatever the host has counted";
        ThresholdExceeded "threshold-exceeded" "client.activates-at-threshold": "wants one machine more than its product needs";
        TooFewAsRefusal "too-few-as-refusal" "client.count-too-low-reported": "reports too low a count as invalid data";
        NoHostAsRefusal "no-host-as-refusal" "client.no-host-reported": "reports that no host answers as access denied";
        ActivationIntervalIgnored "activation-interval-ignored" "client.activation-interval": "asks every 120 minutes until it is activated, whatever it is told";
        RetriesTooFast "retries-too-fast" "client.activation-interval": "asks four times as often as it is told until it is activated";
        IntervalsOfSuccessAlone "intervals-of-success-alone" "client.count-too-low-reported": "takes no interval from an answer with too low a count";
        RenewalIntervalIgnored "renewal-interval-ignored" "client.renewal-interval": "renews every seven days, whatever it is told";
        NeverDue "never-due" "client.renewal-interval": "asks once and never again by itself";
        ActivationNotRenewed "activation-not-renewed" "client.activation-180-days": "counts its 180 days from its first activation";
        LicensedForEver "licensed-for-ever" "client.activation-180-days": "takes an activation for one without end";
        GraceForEver "grace-for-ever" "client.grace-30-days": "stays in its grace for ever";
    }
    Discovery {
        SrvByList "srv-by-list" "client.srv-order": "asks the hosts of DNS in the order of the answer";
        WeightsIgnored "weights-ignored" "client.srv-order": "asks hosts of one priority by the order of the answer";
        HeaviestFirst "heaviest-first" "client.srv-order": "always asks the heaviest host of a priority first";
        FirstHostAlone "first-host-alone" "client.tries-next-host": "asks the first host that it finds, and no other";
        DnsBeatsRegistered "dns-beats-registered" "client.registered-host-wins": "asks DNS although a host is registered";
        RegisteredThenDns "registered-then-dns" "client.registered-host-wins": "asks DNS where its registered host does not answer";
        OtherService "other-service" "discovery.query": "looks for hosts at _kms._tcp";
        RecordPortIgnored "record-port-ignored" "deployment.client-install": "connects to port 1688, whatever the record says";
        PrimarySuffixAlone "primary-suffix-alone" "deployment.client-install": "looks for hosts under its primary DNS suffix alone";
        DomainFirst "domain-first" "deployment.client-install": "looks for hosts under its AD domain before its primary DNS suffix";
        AllSuffixes "all-suffixes" "discovery.suffixes-in-order": "looks under all its suffixes before it asks the first host";
        LastHostForgotten "last-host-forgotten" "discovery.last-host-first": "forgets the host that answered";
        LooksOnce "looks-once" "discovery.looks-again": "never asks DNS again once a host has answered";
        TruncatedGivenUp "truncated-given-up" "discovery.lookup": "does not ask over TCP where the answer of DNS is truncated";
        AliasNotFollowed "alias-not-followed" "discovery.lookup": "does not follow an alias in DNS";
        SlowDnsGivenUp "slow-dns-given-up" "discovery.lookup": "gives DNS a twentieth of a second";
        CrashOnDnsFailure "crash-on-dns-failure" "discovery.no-host-found": "crashes when DNS has no host for it";
        DnsFailureRemembered "dns-failure-remembered" "discovery.no-host-found": "never asks DNS again once it has failed";
    }
    Administration {
        MakStays "mak-stays" "deployment.mak-to-kms": "keeps its MAK when a setup key is installed";
        MakAsksHost "mak-asks-host" "deployment.mak-to-kms": "asks hosts although a MAK is installed";
        ForeignSetupKeyTaken "foreign-setup-key-taken" "deployment.mak-to-kms": "installs the setup key of another edition";
        OwnSetupKeyRefused "own-setup-key-refused" "deployment.mak-to-kms": "refuses the setup key of its edition";
        GraceAlwaysThirty "grace-always-thirty" "deployment.mak-to-kms": "has 30 days of grace, whatever its edition";
        RegisteredPortIgnored "registered-port-ignored" "deployment.client-configure": "connects to port 1688, whatever was registered";
        Ipv6Refused "ipv6-refused" "deployment.client-configure": "registers no host by an IPv6 address";
        ForgetsNothing "forgets-nothing" "deployment.client-configure": "keeps its registered host when it is told to forget it";
        NonsenseRegistered "nonsense-registered" "deployment.client-configure": "says that it has registered what is no host";
        ElevationNotNeeded "elevation-not-needed" "deployment.client-configure": "registers a host for whoever asks";
        ServiceNotNeeded "service-not-needed" "deployment.client-configure": "activates although its licensing service does not run";
        ServiceAsNoHost "service-as-no-host" "deployment.client-configure": "reports that no host answers where its licensing service does not run";
        StandardUsersRefused "standard-users-refused" "deployment.client-configure": "wants an administrator although standard users may activate";
        StandardUsersForEver "standard-users-for-ever" "deployment.client-configure": "lets standard users activate from the first time on that they may";
        ResultCodeNotPrinted "result-code-not-printed" "deployment.activate-script": "prints no result code";
        ExitStatusAlwaysZero "exit-status-always-zero" "deployment.activate-script": "ends with the status of success, whatever came of its activation";
        RearmKeepsId "rearm-keeps-id" "deployment.client-deploy": "keeps its machine id when it is reset";
        RearmKeepsTimer "rearm-keeps-timer" "deployment.client-deploy": "keeps its timer when it is reset";
        RearmRemovesKey "rearm-removes-key" "deployment.client-deploy": "loses its key when it is reset";
        CmidShownWrong "cmid-shown-wrong" "deployment.show": "shows another machine id than it sends";
        DaysRoundedUp "days-rounded-up" "deployment.show": "shows a day that has begun as a whole one";
        StatusShownLicensed "status-shown-licensed" "deployment.show": "shows that it is licensed, whatever its state";
        HostEpidNotShown "host-epid-not-shown" "deployment.show": "does not show the extended PID of the host that answered";
        ActivationIdNotShown "activation-id-not-shown" "deployment.support": "does not show its activation id";
    }
}
