using System.Diagnostics;

namespace EventAuth.Domain.Access;

/// <summary>Why a request was refused. Zero is for what somebody forgot to say; it denies like the others.</summary>
public enum DenyReason
{
    Unspecified = 0,

    /// <summary>The proxy's account of the request is missing, duplicated or not well formed.</summary>
    MalformedRequest,

    /// <summary>The path can be read in two ways, and they differ in who may pass.</summary>
    AmbiguousPath,

    /// <summary>A header that some applications would take for one of ours.</summary>
    HeaderAlias,

    /// <summary>The caller is none of the proxies we trust.</summary>
    UntrustedProxy,

    /// <summary>No rule speaks of this host, path and method.</summary>
    NoRule,

    /// <summary>A rule closes this place for everybody.</summary>
    ClosedByRule,

    /// <summary>We know who it is, and the rule does not name them.</summary>
    NotAllowed,

    /// <summary>The position that the decision is to know about is no positive whole number, or given twice.</summary>
    MalformedPosition,

    /// <summary>Two Authorization headers: there is no rule by which to choose (RFC 6750, 2).</summary>
    SeveralCredentials,

    /// <summary>Cookie and access token are of two persons.</summary>
    CredentialMismatch,
}

/// <summary>The ids of reasons in answers, logs and metrics.</summary>
public static class DenyReasons
{
    /// <summary>The stable id of a reason.</summary>
    public static string Id(this DenyReason reason) => reason switch
    {
        DenyReason.Unspecified => "unspecified",
        DenyReason.MalformedRequest => "malformed-request",
        DenyReason.AmbiguousPath => "ambiguous-path",
        DenyReason.HeaderAlias => "header-alias",
        DenyReason.UntrustedProxy => "untrusted-proxy",
        DenyReason.NoRule => "no-rule",
        DenyReason.ClosedByRule => "closed-by-rule",
        DenyReason.NotAllowed => "not-allowed",
        DenyReason.MalformedPosition => "malformed-position",
        DenyReason.SeveralCredentials => "several-credentials",
        DenyReason.CredentialMismatch => "credential-mismatch",
        _ => throw new UnreachableException($"{reason} has no id"),
    };
}
