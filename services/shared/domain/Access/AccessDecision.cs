namespace EventAuth.Domain.Access;

/// <summary>What the gateway answers. Closed; every case is a shared instance, so a decision allocates nothing.</summary>
public abstract record AccessDecision
{
    private AccessDecision() { }

    /// <summary>Pass, and tell the application who asks: the identity of the session that was decided about.</summary>
    public sealed record Allow : AccessDecision
    {
        public static readonly Allow Instance = new();

        private Allow() { }
    }

    /// <summary>Pass as nobody: every identity header is empty.</summary>
    public sealed record AllowPublic : AccessDecision
    {
        public static readonly AllowPublic Instance = new();

        private AllowPublic() { }
    }

    /// <summary>A person at a browser has to sign in: redirect.</summary>
    public sealed record SignIn : AccessDecision
    {
        public static readonly SignIn Instance = new();

        private SignIn() { }
    }

    /// <summary>A program without a session: 401, never a redirect.</summary>
    public sealed record Unauthenticated : AccessDecision
    {
        public static readonly Unauthenticated Instance = new();

        private Unauthenticated() { }
    }

    /// <summary>The access token is not good: 401 and never a redirect, whatever else the request brought (RFC 6750, 3.1).</summary>
    public sealed record InvalidToken : AccessDecision
    {
        public static readonly InvalidToken Instance = new();

        private InvalidToken() { }
    }

    /// <summary>The access token is good, but lacks a scope that the rule demands: 403.</summary>
    public sealed record InsufficientScope : AccessDecision
    {
        public static readonly InsufficientScope Instance = new();

        private InsufficientScope() { }
    }

    /// <summary>Too many tokens from there were not good: no further one is looked at for a while, 429.</summary>
    public sealed record TooManyFailures : AccessDecision
    {
        public static readonly TooManyFailures Instance = new();

        private TooManyFailures() { }
    }

    /// <summary>No, whoever it is or although we know who it is.</summary>
    public sealed record Deny : AccessDecision
    {
        private static readonly Deny[] All = [.. Enum.GetValues<DenyReason>().Select(r => new Deny(r))];

        private Deny(DenyReason reason) => Reason = reason;

        public DenyReason Reason { get; }

        /// <summary>The shared instance of a reason; an unknown reason is <see cref="DenyReason.Unspecified"/>.</summary>
        public static Deny Because(DenyReason reason) =>
            (uint)reason < (uint)All.Length ? All[(int)reason] : All[(int)DenyReason.Unspecified];
    }

    /// <summary>We don't know whether the session still holds: ask again later.</summary>
    public sealed record Unavailable : AccessDecision
    {
        public static readonly Unavailable Instance = new();

        private Unavailable() { }
    }

    /// <summary>The caller wants a decision that knows more than we do: ask again later.</summary>
    public sealed record PositionNotReached : AccessDecision
    {
        public static readonly PositionNotReached Instance = new();

        private PositionNotReached() { }
    }
}
