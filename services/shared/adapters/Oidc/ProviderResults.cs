using EventAuth.Domain.Login;
using EventAuth.Domain.Refresh;

namespace EventAuth.Adapters.Oidc;

/// <summary>What is asked of the IdP through the browser.</summary>
public sealed record AuthorizationRequest(string RedirectUri, string State, string Nonce, string CodeChallenge)
{
    /// <summary>Shows neither state nor nonce.</summary>
    public override string ToString() => $"authorization request for {RedirectUri}";
}

/// <summary>What came of exchanging a code.</summary>
public abstract record CodeExchange
{
    private CodeExchange() { }

    /// <summary>Somebody is signed in.</summary>
    /// <param name="Claims">What the ID token says of them; userinfo may say more.</param>
    public sealed record Completed(TokenSet Tokens, IdTokenClaims Identity, MappedClaims Claims) : CodeExchange;

    /// <summary>The IdP gave no tokens.</summary>
    public sealed record Failed(ProviderAnswer Answer) : CodeExchange;

    /// <summary>The IdP gave an ID token that we don't believe.</summary>
    public sealed record IdTokenRefused(string Rule, string Description) : CodeExchange;
}

/// <summary>What came of a refresh.</summary>
public abstract record RefreshResult
{
    private RefreshResult() { }

    /// <summary>What it means for the session.</summary>
    public abstract ProviderAnswer Answer { get; }

    /// <summary>There are new tokens.</summary>
    /// <param name="Claims">Of the ID token that came along; null when none came.</param>
    public sealed record Renewed(TokenSet Tokens, MappedClaims? Claims) : RefreshResult
    {
        public override ProviderAnswer Answer { get; } = new ProviderAnswer.Granted();
    }

    /// <summary>There are none.</summary>
    public sealed record Failed(ProviderAnswer Reason) : RefreshResult
    {
        public override ProviderAnswer Answer => Reason;
    }
}

/// <summary>What came of asking userinfo.</summary>
public abstract record UserInfoResult
{
    private UserInfoResult() { }

    /// <summary>What it means for the session.</summary>
    public abstract ProviderAnswer Answer { get; }

    /// <summary>The IdP stands by the person.</summary>
    public sealed record Told(MappedClaims Claims) : UserInfoResult
    {
        public override ProviderAnswer Answer { get; } = new ProviderAnswer.Granted();
    }

    /// <summary>It does not, or could not be asked.</summary>
    public sealed record Failed(ProviderAnswer Reason) : UserInfoResult
    {
        public override ProviderAnswer Answer => Reason;
    }
}
