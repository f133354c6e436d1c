namespace EventAuth.Domain.Refresh;

/// <summary>What an IdP's answer about a session means for that session.</summary>
public abstract record ProviderAnswer
{
    private ProviderAnswer() { }

    /// <summary>Whether the session must end.</summary>
    public virtual bool IsFatal => false;

    /// <summary>The kind of answer in one word, for events and metrics; stays the same from version to version.</summary>
    public abstract string Kind { get; }

    /// <summary>OAuth error code or a code of ours, fit for events and logs; empty when granted.</summary>
    public virtual string Error => "";

    /// <summary>The IdP stands by the session.</summary>
    public sealed record Granted : ProviderAnswer
    {
        public override string Kind => "granted";
    }

    /// <summary>The IdP has withdrawn its word: the session ends.</summary>
    public sealed record Refused(string Code) : ProviderAnswer
    {
        public override string Kind => "refused";

        public override bool IsFatal => true;

        public override string Error => Code;
    }

    /// <summary>Userinfo does not take the access token: refresh once and ask again. Says nothing about the person.</summary>
    public sealed record AccessTokenRefused : ProviderAnswer
    {
        public override string Kind => "access-token-refused";

        public override string Error => "access_token_refused";
    }

    /// <summary>The IdP does not accept us, the client: an alarm for operators, never a reason to sign people out.</summary>
    public sealed record Misconfigured(string Code) : ProviderAnswer
    {
        public override string Kind => "misconfigured";

        public override string Error => Code;
    }

    /// <summary>No answer that could be understood; the session goes on as the settings say.</summary>
    public sealed record Unavailable(string Code, TimeSpan? RetryAfter) : ProviderAnswer
    {
        public override string Kind => "unavailable";

        public override string Error => Code;
    }

    /// <summary>The answer is about another issuer or person: the session ends.</summary>
    /// <param name="Rule">The rule that found it.</param>
    public sealed record IdentityChanged(string Rule) : ProviderAnswer
    {
        public override string Kind => "identity-changed";

        public override bool IsFatal => true;

        public override string Error => Rule;
    }
}
