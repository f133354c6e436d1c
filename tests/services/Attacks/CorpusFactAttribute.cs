using EventAuth.Services.Tests.Harness;
using EventAuth.Services.Tests.Oidc;

namespace EventAuth.Services.Tests.Attacks;

/// <summary>A test over files that lie outside this repository: skipped where they are not.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CorpusFactAttribute : FactAttribute
{
    public CorpusFactAttribute() => Skip = Corpus.Folder is null
        ? "EVENTAUTH_VECTORS names no folder with mod_auth_openidc-corpus"
        : TestStore.IsConfigured ? null : "EVENTAUTH_TEST_POSTGRES names no server (tests/run starts one)";
}
